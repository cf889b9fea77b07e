// Apart from the index: it comes with the log's native modules, which a file of keys has no use for.
export { DedupFilter, type DedupOptions } from '@weir/log';
