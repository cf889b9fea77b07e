import type { SinkLogger } from '@weir/extension';

const ignore = () => undefined;

/** A logger for tests that do not look at it. */
export const quietLogger: SinkLogger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
