/** The client: see README.md. */
export {};
