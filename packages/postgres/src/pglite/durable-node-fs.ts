/**
 * PGlite's files, with `fsync` that reaches the disk.
 *
 * PGlite runs PostgreSQL with `fsync = off`, and Emscripten's NODEFS has no `fsync` of its own: a commit is in
 * the kernel's cache when it is acknowledged, safe from kill -9 but not from a power cut, which can also tear
 * the files for good. Emscripten's `fd_sync` does ask the file system's `stream_ops.fsync` when there is one, so
 * this adds it. Its `fdatasync` asks nobody: PostgreSQL must run with `wal_sync_method = fsync`
 * (see {@link DURABLE_START_PARAMS}).
 */
import { closeSync, fdatasyncSync, fsyncSync, openSync } from 'node:fs';
import { PGlite } from '@electric-sql/pglite';
import { NodeFS } from '@electric-sql/pglite/nodefs';

/** PGlite's own parameters, with synchronous commits that mean it, and buffers that fit a laptop. */
export const DURABLE_START_PARAMS: readonly string[] = [
  ...PGlite.defaultStartParams.filter((parameter) => parameter !== '-F'),
  ...['-c', 'wal_sync_method=fsync'],
  // The kernel caches the same pages; at the default of 128 MB the process stays 110 MB larger.
  ...['-c', 'shared_buffers=16MB'],
];

/** What this uses of Emscripten's NODEFS; PGlite's types leave it open. */
interface NodeFsModule {
  readonly stream_ops: { fsync?: (stream: NodeFsStream) => number };
  realPath(node: object): string;
}

/** An open file; directories have no descriptor of the host. */
interface NodeFsStream {
  readonly nfd?: number;
  readonly node: object;
}

/** `NodeFS` whose `fsync` is the host's. */
export class DurableNodeFs extends NodeFS {
  override async init(...args: Parameters<NodeFS['init']>): ReturnType<NodeFS['init']> {
    const { emscriptenOpts } = await super.init(...args);
    const addFsync = (module: { FS: { filesystems: { NODEFS: NodeFsModule } } }) => {
      const nodefs = module.FS.filesystems.NODEFS;
      nodefs.stream_ops.fsync = (stream) => {
        if (stream.nfd === undefined) syncPath(nodefs.realPath(stream.node));
        else fdatasyncSync(stream.nfd);
        return 0;
      };
    };
    return { emscriptenOpts: { ...emscriptenOpts, preRun: [...(emscriptenOpts.preRun ?? []), addFsync] } };
  }
}

/** Flushes one file or directory to the disk. */
export function syncPath(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
