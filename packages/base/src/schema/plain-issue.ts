/** The part of a schema library's (Zod's) issue that a message needs. */
export interface SchemaIssue {
  readonly code?: string | undefined;
  readonly input?: unknown;
  /** The required type of a value. */
  readonly expected?: unknown;
  /** Members that no schema names. */
  readonly keys?: readonly string[];
  /** The allowed values. */
  readonly values?: readonly unknown[];
  readonly minimum?: number | bigint;
  readonly maximum?: number | bigint;
  readonly inclusive?: boolean;
  /** The measured kind of value: `string`, `array`, `number`, … */
  readonly origin?: string;
  /** The required format of a text: `uuid`, `datetime`, `url`, … */
  readonly format?: string;
}

/**
 * Words for a mistake that follow the name of a field: that it is missing, or the expected form. The library's own
 * messages ("Invalid input: expected string, received undefined") name its types instead. Pass it to a parse as
 * `error`: messages of the schema itself take precedence.
 *
 * @example z.object({ a: z.string() }).safeParse({}, { error: plainIssue }) // a: is missing, must be a string
 */
export function plainIssue(issue: SchemaIssue): string {
  const { code, keys = [] } = issue;
  if (code === 'unrecognized_keys')
    return `there is no ${keys.map((key) => JSON.stringify(key)).join(', ')} here`;
  return issue.input === undefined ? `is missing, ${formOf(issue)}` : formOf(issue);
}

function formOf(issue: SchemaIssue): string {
  const { code, expected, values = [], format = '' } = issue;
  switch (code) {
    case 'invalid_type':
      return `must be ${TYPES[String(expected)] ?? String(expected)}`;
    case 'invalid_value':
      return values.length === 1
        ? `must be ${JSON.stringify(values[0])}`
        : `must be one of ${values.map(String).join(', ')}`;
    case 'invalid_format':
      return `must be ${FORMATS[format] ?? 'of another form'}`;
    case 'too_small':
      return `must ${boundOf(issue, 'least', issue.minimum)}`;
    case 'too_big':
      return `must ${boundOf(issue, 'most', issue.maximum)}`;
    default:
      return 'has a form that is not known here';
  }
}

function boundOf(
  { origin = '', inclusive = true }: SchemaIssue,
  end: 'least' | 'most',
  bound: number | bigint = 0,
): string {
  const what = UNITS[origin];
  if (what !== undefined) return `have at ${end} ${bound} ${what}${bound === 1 ? '' : 's'}`;
  if (inclusive) return `be at ${end} ${bound}`;
  return `be ${end === 'least' ? 'more' : 'less'} than ${bound}`;
}

const UNITS: Readonly<Record<string, string>> = { string: 'character', array: 'item', set: 'item' };

const TYPES: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a JSON object',
  record: 'a JSON object',
  array: 'a JSON array',
  null: 'null',
};

const FORMATS: Readonly<Record<string, string>> = {
  uuid: 'a UUID',
  guid: 'a UUID',
  url: 'a URL',
  datetime: 'a time such as 2026-11-21T16:00:00Z',
  date: 'a date such as 2026-11-21',
  safeint: 'a whole number',
  int32: 'a whole number',
  json_string: 'JSON',
};
