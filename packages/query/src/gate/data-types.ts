import { notAllowed } from './gate-refusal.js';

/**
 * Checks a data type, or a list of columns with types, in a string of a query. A value of an AggregateFunction type can
 * be built from any bytes, and the engine crashes on crafted ones; a time zone in a type may name a file. Backslashes
 * could hide either name from this check.
 *
 * @throws QueryError of rule `type` or `time_zone`.
 */
export function checkDataType(type: string): void {
  if (/aggregate\s*function/i.test(type)) {
    throw notAllowed(
      'type',
      'AggregateFunction',
      'Values of AggregateFunction types cannot be written in a query.',
      'Make states with the -State combinators, such as sumState(x), and read them with -Merge.',
    );
  }
  if (type.includes('\\')) {
    throw notAllowed('type', type, `The type ${type} holds a backslash; write its names plainly.`);
  }
  for (const [, name] of type.matchAll(/'([^']*)'/g)) checkTimeZoneName(name ?? '');
}

/**
 * Checks the name of a time zone: `file:/x` makes the engine open that file, under a lock that every query needs.
 *
 * @throws QueryError of rule `time_zone`.
 */
export function checkTimeZoneName(name: string): void {
  if (!/^\s*(?:file)?:/i.test(name)) return;
  throw notAllowed(
    'time_zone',
    name,
    `${name} is a file, not the name of a time zone.`,
    "Use a name such as 'UTC' or 'Europe/Berlin'.",
  );
}
