/** Durable Streams on the log: see README.md. */
export {};
