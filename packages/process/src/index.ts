/** Processes: see README.md. */
export {};
