/** SQL of the project that the session's log_comment begins with; of none, the UUID of zeros. */
export const SCOPE = "toUUIDOrZero(substring(getSetting('log_comment'), 1, 36))";

/**
 * The rows of that project. Each read of a base table in a public view has it: a row policy that cannot be forged
 * stands behind it, and where none does yet, this does.
 */
export const IN_SCOPE = `project_id = ${SCOPE}`;
