/**
 * PGlite's files, with an `fsync` that reaches the disk.
 *
 * PGlite runs PostgreSQL with `fsync = off`, and Emscripten's NODEFS has no `fsync`. So an acknowledged commit is only
 * in the kernel's cache: safe from kill -9 but not from a power failure, which can also corrupt the files. Emscripten's
 * `fd_sync` calls the file system's `stream_ops.fsync` if there is one, so this adds it. Its `fdatasync` calls none, so
 * PostgreSQL must run with `wal_sync_method = fsync` (see {@link DURABLE_START_PARAMS}).
 */
import { closeSync, fdatasyncSync, fsyncSync, openSync } from 'node:fs';
import { PGlite } from '@electric-sql/pglite';
import { NodeFS } from '@electric-sql/pglite/nodefs';

/** PGlite's own parameters, with durable synchronous commits, and buffers that fit a laptop. */
export const DURABLE_START_PARAMS: readonly string[] = [
  ...PGlite.defaultStartParams.filter((parameter) => parameter !== '-F'),
  ...['-c', 'wal_sync_method=fsync'],
  // The kernel caches the same pages; with the default of 128 MB the process is 110 MB larger.
  ...['-c', 'shared_buffers=16MB'],
];

/** The used part of Emscripten's NODEFS, which PGlite's types do not declare. */
interface NodeFsModule {
  readonly stream_ops: { fsync?: (stream: NodeFsStream) => number };
  realPath(node: object): string;
}

/** An open file; directories have no host descriptor. */
interface NodeFsStream {
  readonly nfd?: number;
  readonly node: object;
}

/** `NodeFS` with the host's `fsync`. */
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

/** Flushes one file or directory to disk. */
export function syncPath(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
