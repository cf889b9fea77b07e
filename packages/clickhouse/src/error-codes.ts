/**
 * Classifies ClickHouse's exception codes. A writer of rows needs one answer: is the store unavailable (retain the rows
 * and retry), are the rows rejected (find the bad ones), or is the statement at fault? Both lists name codes as
 * ClickHouse's ErrorCodes.cpp does; any other code is the statement's fault. A test checks the names against the
 * engine.
 */

/** The meaning of a failure for the caller: the code of the error. */
export type ClickHouseErrorCode =
  /** The store cannot execute the call now; a retry may succeed. */
  | 'unavailable'
  /** The rows are rejected; a retry fails again. */
  | 'bad_data'
  /** The statement, its settings or its rights are wrong. */
  | 'query';

/** The store cannot execute the call now: retry, and never blame the rows. */
export const UNAVAILABLE_CODES: ReadonlyMap<number, string> = new Map([
  // A missing table, column or database is being migrated: rows must be retained meanwhile.
  [16, 'NO_SUCH_COLUMN_IN_TABLE'],
  [60, 'UNKNOWN_TABLE'],
  [81, 'UNKNOWN_DATABASE'],
  // Disk and files of the engine.
  [74, 'CANNOT_READ_FROM_FILE_DESCRIPTOR'],
  [75, 'CANNOT_WRITE_TO_FILE_DESCRIPTOR'],
  [76, 'CANNOT_OPEN_FILE'],
  [77, 'CANNOT_CLOSE_FILE'],
  [107, 'FILE_DOESNT_EXIST'],
  [204, 'CANNOT_FSYNC'],
  [243, 'NOT_ENOUGH_SPACE'],
  [425, 'SYSTEM_ERROR'],
  // Network between client and server, or among server nodes.
  [95, 'CANNOT_READ_FROM_SOCKET'],
  [96, 'CANNOT_WRITE_TO_SOCKET'],
  [198, 'DNS_ERROR'],
  [203, 'NO_FREE_CONNECTION'],
  [209, 'SOCKET_TIMEOUT'],
  [210, 'NETWORK_ERROR'],
  [279, 'ALL_CONNECTION_TRIES_FAILED'],
  // Time and load.
  [159, 'TIMEOUT_EXCEEDED'],
  [160, 'TOO_SLOW'],
  [173, 'CANNOT_ALLOCATE_MEMORY'],
  [201, 'QUOTA_EXCEEDED'],
  [202, 'TOO_MANY_SIMULTANEOUS_QUERIES'],
  [241, 'MEMORY_LIMIT_EXCEEDED'],
  [252, 'TOO_MANY_PARTS'],
  [439, 'CANNOT_SCHEDULE_TASK'],
  [473, 'DEADLOCK_AVOIDED'],
  [692, 'TOO_MANY_MUTATIONS'],
  [700, 'USER_SESSION_LIMIT_EXCEEDED'],
  [745, 'SERVER_OVERLOADED'],
  // Stopped, stopping or starting.
  [236, 'ABORTED'],
  [394, 'QUERY_WAS_CANCELLED'],
  [722, 'ASYNC_LOAD_WAIT_FAILED'],
  // Read-only server, table or user; an operator is at work.
  [164, 'READONLY'],
  [242, 'TABLE_IS_READ_ONLY'],
  // Credentials and rights are the operator's too, so no row is at fault.
  [192, 'UNKNOWN_USER'],
  [193, 'WRONG_PASSWORD'],
  [194, 'REQUIRED_PASSWORD'],
  [195, 'IP_ADDRESS_NOT_ALLOWED'],
  [497, 'ACCESS_DENIED'],
  [516, 'AUTHENTICATION_FAILED'],
  // Codes without a better class: a failed allocation or file system call, or remote storage.
  [499, 'S3_ERROR'],
  [1000, 'POCO_EXCEPTION'],
  [1001, 'STD_EXCEPTION'],
  [1002, 'UNKNOWN_EXCEPTION'],
  // Replicas and Keeper.
  [225, 'NO_ZOOKEEPER'],
  [254, 'NO_ACTIVE_REPLICAS'],
  [285, 'TOO_FEW_LIVE_REPLICAS'],
  [286, 'UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE'],
  [289, 'REPLICA_IS_NOT_IN_QUORUM'],
  [319, 'UNKNOWN_STATUS_OF_INSERT'],
  [415, 'ALL_REPLICAS_LOST'],
  [416, 'REPLICA_STATUS_CHANGED'],
  [999, 'KEEPER_EXCEPTION'],
]);

/** The rows are rejected: a parse, type, size or constraint error. */
export const BAD_DATA_CODES: ReadonlyMap<number, string> = new Map([
  [6, 'CANNOT_PARSE_TEXT'],
  [25, 'CANNOT_PARSE_ESCAPE_SEQUENCE'],
  [26, 'CANNOT_PARSE_QUOTED_STRING'],
  [27, 'CANNOT_PARSE_INPUT_ASSERTION_FAILED'],
  [32, 'ATTEMPT_TO_READ_AFTER_EOF'],
  [33, 'CANNOT_READ_ALL_DATA'],
  [38, 'CANNOT_PARSE_DATE'],
  [41, 'CANNOT_PARSE_DATETIME'],
  [53, 'TYPE_MISMATCH'],
  [69, 'ARGUMENT_OUT_OF_BOUND'],
  [70, 'CANNOT_CONVERT_TYPE'],
  [72, 'CANNOT_PARSE_NUMBER'],
  [117, 'INCORRECT_DATA'],
  [128, 'TOO_LARGE_ARRAY_SIZE'],
  [130, 'CANNOT_READ_ARRAY_FROM_TEXT'],
  [131, 'TOO_LARGE_STRING_SIZE'],
  [190, 'SIZES_OF_ARRAYS_DONT_MATCH'],
  [321, 'VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE'],
  [349, 'CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN'],
  [376, 'CANNOT_PARSE_UUID'],
  [407, 'DECIMAL_OVERFLOW'],
  [467, 'CANNOT_PARSE_BOOL'],
  [469, 'VIOLATED_CONSTRAINT'],
  [675, 'CANNOT_PARSE_IPV4'],
  [676, 'CANNOT_PARSE_IPV6'],
  [691, 'UNKNOWN_ELEMENT_OF_ENUM'],
]);

/**
 * Classifies a ClickHouse exception code. No code means that ClickHouse did not answer (connection refused, reset or
 * closed, timeout, a proxy's page): `unavailable`.
 */
export function classify(code: number | undefined): ClickHouseErrorCode {
  if (code === undefined || UNAVAILABLE_CODES.has(code)) return 'unavailable';
  return BAD_DATA_CODES.has(code) ? 'bad_data' : 'query';
}
