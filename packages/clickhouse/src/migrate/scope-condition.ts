/** SQL of the project at the start of the session's log_comment; the zero UUID if there is none. */
export const SCOPE = "toUUIDOrZero(substring(getSetting('log_comment'), 1, 36))";

/**
 * Restricts rows to that project. Every read of a base table in a public view has this condition. An unforgeable row
 * policy enforces it too; while none exists yet, this condition filters.
 */
export const IN_SCOPE = `project_id = ${SCOPE}`;
