import type { SinkLogger } from '@weir/extension';

const ignore = () => undefined;

/** A logger that discards all messages. */
export const quietLogger: SinkLogger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
