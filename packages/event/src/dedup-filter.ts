// Not exported from the index: this import loads the log's native modules, which a keys file does not need.
export { DedupFilter, type DedupOptions } from '@weir/log';
