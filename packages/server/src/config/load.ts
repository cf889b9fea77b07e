/** Settings from the environment, a `.env` file and flags, checked as a whole. */
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { codeOf, plainIssue, WeirError } from '@weir/base';
import { closest, distance } from 'fastest-levenshtein';
import type { z } from 'zod';
import { type Config, configSchema, settings } from './schema.js';

/** Values by variable name, as in process.env. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** Invalid settings: one line for each, with variable, value and rule. */
export class ConfigError extends WeirError<'invalid_config'> {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      'invalid_config',
      `invalid configuration:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
    );
    this.problems = problems;
  }
}

/** Parsed settings, and warnings about them. */
export interface LoadedConfig {
  readonly config: Config;
  readonly warnings: readonly string[];
}

/** Variables of the command line and of tests; they are not settings of the server. */
const OTHERS = /^WEIR_(SERVER|PROJECT|KEY|TOKEN|HOME|SOAK|TEST_\w+|BENCH_\w+)$/;

/**
 * Parses settings. An empty variable counts as absent. `NAME_FILE` names a file that contains the value of `NAME`.
 * @throws ConfigError naming every invalid variable
 */
export function loadConfig(variables: Variables): LoadedConfig {
  const known = new Set<string>(settings().map(({ name }) => name));
  const values: Record<string, string> = {};
  const problems: string[] = [];
  const warnings: string[] = [];
  for (const [name, value] of Object.entries(variables)) {
    if (!name.startsWith('WEIR_') || value === undefined || value === '') continue;
    const target = name.replace(/_FILE$/, '');
    if (known.has(name)) {
      values[name] = value;
    } else if (target !== name && known.has(target)) {
      if (variables[target]) problems.push(`${name}: set either ${name} or ${target}, not both`);
      else
        readSecretFile(name, value, problems, (text) => {
          values[target] = text;
        });
    } else if (!OTHERS.test(name)) {
      warnings.push(`unknown variable ${name}${suggestion(name, [...known])}`);
    }
  }
  const parsed = configSchema.safeParse(values, { error: plainIssue });
  if (!parsed.success) problems.push(...parsed.error.issues.map((issue) => problemOf(issue, values)));
  if (problems.length > 0 || !parsed.success) throw new ConfigError(problems);
  return { config: parsed.data, warnings: [...warnings, ...oddities(parsed.data)] };
}

/** Warns of settings that are valid alone but useless in combination. */
function oddities({ WEIR_INGEST_MAX_BODY_BYTES: body, WEIR_BODY_MEMORY: memory }: Config): string[] {
  if (body <= memory / 2) return [];
  return [
    `WEIR_INGEST_MAX_BODY_BYTES=${body} is more than half of WEIR_BODY_MEMORY=${memory}, which is all that one project may have: larger bodies are refused; raise WEIR_BODY_MEMORY to at least ${2 * body}`,
  ];
}

/** The variables of a `.env` file; empty if the file does not exist. */
export function readEnvFile(path: string): Variables {
  try {
    return parseEnv(readFileSync(path, 'utf8'));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return {};
    throw error;
  }
}

/** The effective settings as text, with secrets redacted. */
export function describeConfig(
  config: Config,
): { name: string; value: string; default: string | null; description: string }[] {
  return settings().map(({ name, secret, default: preset, description }) => {
    const value = config[name];
    const shown = value === undefined ? '' : secret ? '[redacted]' : String(value);
    return { name, value: shown, default: preset, description };
  });
}

function readSecretFile(
  name: string,
  path: string,
  problems: string[],
  accept: (text: string) => void,
): void {
  try {
    accept(readFileSync(path, 'utf8').trim());
  } catch (error) {
    problems.push(`${name}: cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function problemOf(issue: z.core.$ZodIssue, values: Readonly<Record<string, string>>): string {
  const name = String(issue.path[0] ?? '');
  const secret = settings().some((setting) => setting.name === name && setting.secret);
  return `${name}=${secret ? '[redacted]' : (values[name] ?? '')}: ${issue.message}`;
}

/** `; did you mean …?` if a known name is similar; otherwise empty. */
export function suggestion(name: string, known: readonly string[]): string {
  const near = closest(name, known);
  return distance(name, near) <= Math.max(2, name.length / 4) ? `; did you mean ${near}?` : '';
}
