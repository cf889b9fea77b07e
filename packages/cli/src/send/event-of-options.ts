import { usageError } from '../cli-error.js';

/** Event options of the command line. */
export interface EventOptions {
  readonly user?: string;
  readonly anonymous?: string;
  readonly session?: string;
  readonly timestamp?: string;
  readonly eventId?: string;
  /** `name=text` or `name:=JSON`. */
  readonly prop?: readonly string[];
}

/**
 * The event's JSON. Values after `:=` are copied unchanged, so that numbers keep their digits.
 * @param now default timestamp
 * @throws CliError `usage` for an invalid property
 */
export function eventOfOptions(event: string, options: EventOptions, now: Date): string {
  const { user, anonymous, session, timestamp, eventId, prop = [] } = options;
  const members: [string, string | undefined][] = [
    ['event', event],
    ['event_id', eventId],
    ['user_id', user],
    ['anonymous_id', anonymous],
    ['session_id', session],
  ];
  const texts = members.flatMap(([name, value]) =>
    value === undefined ? [] : [`${JSON.stringify(name)}:${JSON.stringify(value)}`],
  );
  texts.push(`"timestamp":${timestampText(timestamp, now)}`);
  const properties = new Map(prop.map((one) => propertyOf(one, '--prop')));
  const body = [...properties].map(([name, json]) => `${JSON.stringify(name)}:${json}`);
  return `{${texts.join(',')},"properties":{${body.join(',')}}}`;
}

/** True if any option that describes an event is given. */
export function describesEvent({
  user,
  anonymous,
  session,
  timestamp,
  eventId,
  prop,
}: EventOptions): boolean {
  return [user, anonymous, session, timestamp, eventId, prop].some((one) => one !== undefined);
}

/**
 * Splits `name=text` or `name:=JSON` into a name and a JSON text.
 * @param option name of the option, such as `--prop`
 * @throws CliError `usage` for another format
 */
export function propertyOf(text: string, option: string): [name: string, json: string] {
  const match = /^([^=]*?)(:?)=(.*)$/s.exec(text);
  const [, name = '', colon = '', value = ''] = match ?? [];
  if (match === null || name === '') {
    throw usageError(
      `${option} ${text}: must be name=text or name:=JSON`,
      `Write ${option} plan=pro for text, ${option} seats:=5 for JSON`,
    );
  }
  if (colon === '') return [name, JSON.stringify(value)];
  try {
    JSON.parse(value);
  } catch {
    throw usageError(
      `${option} ${text}: the value after := is not JSON`,
      `For text write ${option} ${name}=${value}`,
    );
  }
  return [name, value];
}

/** Epoch milliseconds as a number; any other text unchanged, for the server to validate. */
function timestampText(given: string | undefined, now: Date): string {
  if (given === undefined) return JSON.stringify(now.toISOString());
  return /^-?\d+$/.test(given) ? given : JSON.stringify(given);
}
