export type { DiskOptions } from './data-file.js';
export { DedupFilter, type DedupOptions } from './dedup-filter.js';
export { type DirectoryLock, lockDirectory } from './directory-lock.js';
export type {
  Appended,
  AppendOptions,
  Cursor,
  DeadChoice,
  DeadEntry,
  Delivery,
  Entry,
  Group,
  GroupOptions,
  GroupStats,
  Log,
  LogSize,
  Part,
  PullOptions,
  ReadOptions,
  RemoveOptions,
  StreamStats,
  TailOptions,
} from './log.js';
export { LogError, type LogErrorCode, type LogErrorFacts } from './log-error.js';
export { type LmdbLogOptions, type LogOptions, type MemoryLogOptions, openLog } from './open-log.js';
export { decodePlace, encodePlace, offsetInEpoch, type Place } from './place.js';
