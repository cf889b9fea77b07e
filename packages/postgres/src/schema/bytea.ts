import { customType } from 'drizzle-orm/pg-core';

/** A `bytea` column, read and written as a Buffer. */
export const bytea = customType<{ data: Buffer; driverData: Buffer }>({
  dataType: () => 'bytea',
  toDriver: unprinted,
});

/**
 * The same bytes, which print as their count: Drizzle's errors include the parameters of the failed statement, and logs
 * and messages must not contain megabytes of a tenant's events.
 */
function unprinted(bytes: Buffer): Buffer {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const print = () => `<${bytes.byteLength} bytes>`;
  return Object.defineProperties(view, { toString: { value: print }, toJSON: { value: print } });
}
