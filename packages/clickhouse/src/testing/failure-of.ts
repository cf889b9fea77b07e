import { ClickHouseError } from '../clickhouse-error.js';

/** The ClickHouseError a call fails with; any other outcome fails the test. */
export async function failureOf(call: Promise<unknown>): Promise<ClickHouseError> {
  const error: unknown = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ClickHouseError)) throw new Error(`not a ClickHouseError: ${String(error)}`);
  return error;
}
