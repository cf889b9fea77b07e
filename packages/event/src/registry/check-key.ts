import { plainIssue } from '@weir/base';
import { AUTH_TYPES } from '../key/key-definition.js';
import { type OutputSchema, outputSchema } from '../schema/output-schema.js';
import { checkParams, type KeyProblem } from './check-params.js';
import { keyShape, type UncheckedKey } from './key-shape.js';

/** Result of a check: the key's name, all problems, and the output schema if it is valid. */
export interface CheckedKey {
  readonly key: string;
  readonly problems: readonly KeyProblem[];
  readonly output?: OutputSchema;
}

/** Validates one definition on its own. */
export function checkKey(definition: unknown): CheckedKey {
  const shape = keyShape.safeParse(definition, { error: plainIssue });
  if (!shape.success) {
    const problems = shape.error.issues.map((issue) => ({
      path: pathOf(issue.path),
      message: `${issue.message.replace(/^./, (first) => first.toUpperCase()).replace(/\.?$/, '.')}`,
    }));
    return { key: nameOf(definition), problems };
  }
  const def = shape.data;
  const schema = outputSchema(def.schema ?? {});
  const problems = [
    ...checkNames(def),
    ...checkParams(def.params ?? []),
    ...('problems' in schema ? schema.problems : []),
    ...checkProcess(def),
    ...checkIdentity(def),
    ...checkNumbers(def),
  ];
  return { key: def.key ?? '', problems, ...('output' in schema ? { output: schema.output } : {}) };
}

function checkNames(def: UncheckedKey): KeyProblem[] {
  const problems: KeyProblem[] = [];
  // The name is part of `<key>:<hash>` and of standard-error lines that programs parse.
  if (def.key && !/^[A-Za-z0-9._-]+$/.test(def.key)) {
    problems.push({ path: 'key', message: 'Name the key with letters, digits, `.`, `_` and `-` only.' });
  }
  if (!def.eventType) {
    problems.push({ path: 'eventType', message: 'Give the type of the events that the key is made from.' });
  }
  return problems;
}

function checkProcess(def: UncheckedKey): KeyProblem[] {
  if (def.schema?.native === undefined || def.process === undefined) return [];
  const message =
    'A native schema is the payload in its envelope, so nothing may process it. Drop `process`, or describe its ' +
    'output as `custom`.';
  return [{ path: 'process', message }];
}

function checkIdentity(def: UncheckedKey): KeyProblem[] {
  return (def.authTypes ?? []).flatMap((type, i) =>
    AUTH_TYPES.some((known) => known === type)
      ? []
      : [
          {
            path: `authTypes[${i}]`,
            message: `\`${type}\` is not an identity. Give ${AUTH_TYPES.join(' or ')}.`,
          },
        ],
  );
}

function checkNumbers(def: UncheckedKey): KeyProblem[] {
  if (def.workers === undefined || def.workers >= 0) return [];
  return [
    { path: 'workers', message: `There are no ${def.workers} workers. Give 1 or more, or leave it out.` },
  ];
}

function nameOf(definition: unknown): string {
  const named = typeof definition === 'object' && definition !== null && 'key' in definition;
  return named && typeof definition.key === 'string' ? definition.key : '';
}

function pathOf(path: readonly PropertyKey[]): string {
  const text = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('');
  return text.startsWith('.') ? text.slice(1) : text || '(definition)';
}
