import { ClickHouseError, type ParameterValue } from '@weir/clickhouse';
import { changingStatement } from '../hints/query-hints.js';
import { QueryError } from '../query-error.js';
import { canonicalSql, type SqlParser } from './canonical.js';
import { checkTimeZoneName } from './data-types.js';
import { parameterRefusal, readsOnly, refusalOfEngine, tooLarge } from './engine-refusal.js';
import { checkExpansion } from './expansion-depth.js';
import { MAX_SHORT } from './functions/bounded-arguments.js';
import { notAllowed } from './gate-refusal.js';
import { ignoresPerson } from './ignores-person.js';
import { keepsToKey } from './keeps-to-key.js';
import { Names } from './names-in-scope.js';
import { withoutPlaceholders } from './placeholders.js';
import { checkTree } from './query-rules.js';
import { type QueryTree, readQueryTree } from './query-tree.js';
import { ShortArguments, tooLong } from './short-arguments.js';
import { PUBLIC_TABLES, type PublicTable } from './tables.js';
import { checkAgreement } from './text-agreement.js';
import { checkText } from './text-rules.js';
import { TimeZones } from './time-zones.js';
import { tokenize } from './tokens.js';
import { type Verdict, VerdictCache } from './verdict-cache.js';

export type { SqlParser } from './canonical.js';

/** A text that may run. */
export interface Passed {
  readonly kind: 'select' | 'describe' | 'explain';
  /** The canonical text. It was checked and must be run, never the caller's text. */
  readonly sql: string;
  /** The table of a `describe`. */
  readonly table?: PublicTable;
  /** Whether the query certainly does not use the person, see {@link ignoresPerson}. Default false. */
  readonly ignoresPerson?: boolean;
  /** Whether the query cannot fail on any time of an event, see {@link keepsToKey}. Default false. */
  readonly usesTimeSafely?: boolean;
}

/** Options of a {@link Gate}. */
export interface GateOptions {
  /** Maximum text, bytes of UTF-8. */
  readonly maxBytes: number;
  /** Number of cached verdicts (at most 32 MiB of text). Default 1,000. */
  readonly cacheSize?: number;
}

/**
 * Decides whether a tenant's SQL may run, by the result of the engine's own parser: the first of the three walls. It
 * has four steps; each rejects everything that is not explicitly allowed:
 *
 * 1. `canonical.ts`: the engine formats the text; one statement, one spelling.
 * 2. `text-rules.ts`: checks of the text alone.
 * 3. `query-rules.ts`: checks of the engine's query tree, node by node.
 * 4. `text-agreement.ts`: text and tree must contain the same calls.
 *
 * A verdict depends on the text alone and is cached; parameters are values, never names.
 *
 * @example const gate = new Gate(connectParser(target), { maxBytes: 262_144 }); const { sql } = await
 *   gate.check('select count() from events -- all', {}); // SELECT count() FROM events
 */
export class Gate {
  readonly #parser: SqlParser;
  readonly #maxBytes: number;
  readonly #verdicts: VerdictCache;

  constructor(parser: SqlParser, options: GateOptions) {
    this.#parser = parser;
    this.#maxBytes = options.maxBytes;
    this.#verdicts = new VerdictCache(options.cacheSize ?? 1_000);
  }

  /**
   * @throws QueryError if the text may not run or a parameter has no value; ClickHouseError
   * `unavailable` if the engine is unavailable; the signal's reason
   */
  async check(
    sql: string,
    params: Readonly<Record<string, ParameterValue>>,
    signal?: AbortSignal,
  ): Promise<Passed> {
    const verdict = this.#verdicts.get(sql) ?? (await this.#judge(sql, signal));
    if ('refused' in verdict) throw new QueryError('sql_not_allowed', verdict.refused, verdict.details);
    for (const name of verdict.parameters) {
      if (!Object.hasOwn(params, name)) throw parameterRefusal(name, `The parameter ${name} has no value.`);
    }
    for (const name of verdict.timeZones) checkTimeZoneName(String(params[name]));
    for (const name of verdict.short) if (String(params[name]).length > MAX_SHORT) throw tooLong(name);
    return verdict.passed;
  }

  /** Errors of the engine are not cached, because they may depend on its state. */
  async #judge(sql: string, signal: AbortSignal | undefined): Promise<Verdict> {
    let verdict: Verdict;
    try {
      verdict = await this.#examine(sql, signal);
    } catch (error) {
      if (!(error instanceof QueryError) || error.code !== 'sql_not_allowed') throw error;
      verdict = { refused: error.message, details: { ...error.facts, hint: error.hint } };
    }
    this.#verdicts.set(sql, verdict);
    return verdict;
  }

  async #examine(sql: string, signal: AbortSignal | undefined): Promise<Verdict> {
    if (Buffer.byteLength(sql) > this.#maxBytes) throw tooLarge(this.#maxBytes);
    if (sql.trim() === '') throw new QueryError('sql_required', 'There is no SQL to run.');
    if (sql.includes('\0')) {
      throw new QueryError('sql_invalid', 'The query contains a NUL character.');
    }
    const canonical = await canonicalSql(this.#parser, sql, signal);
    const described = /^DESCRIBE TABLE (?:weir\.)?(\w+)$/.exec(canonical)?.[1];
    const table = PUBLIC_TABLES.find((name) => name === described);
    if (table !== undefined) {
      return {
        passed: { kind: 'describe', sql: canonical, table },
        parameters: [],
        timeZones: [],
        short: [],
      };
    }
    const explained = /^EXPLAIN SYNTAX (?=SELECT |WITH |\()/.exec(canonical)?.[0] ?? '';
    const query = canonical.slice(explained.length);
    const statement = changingStatement(sql);
    // The engine parses `DELETE FROM events` as a query of a column named DELETE.
    if (statement === 'DELETE' || !/^(?:SELECT |WITH |\()/.test(query)) {
      throw statement === undefined ? otherStatement(canonical) : readsOnly(statement);
    }
    const kind = explained === '' ? 'select' : 'explain';
    const { nobody, safely, ...needs } = await this.#examineQuery(query, sql, signal);
    return { passed: { kind, sql: canonical, ignoresPerson: nobody, usesTimeSafely: safely }, ...needs };
  }

  async #examineQuery(
    query: string,
    sql: string,
    signal: AbortSignal | undefined,
  ): Promise<{
    parameters: readonly string[];
    timeZones: readonly string[];
    short: readonly string[];
    nobody: boolean;
    safely: boolean;
  }> {
    const tokens = tokenize(query);
    checkText(tokens);
    const tree = await this.#queryTree(withoutPlaceholders(query, tokens), sql, signal);
    const names = new Names(tree);
    const timeZones = new TimeZones(names);
    const shortArguments = new ShortArguments(names);
    checkTree(tree, names, { timeZones, shortArguments });
    checkExpansion(tree);
    checkAgreement(tokens, tree);
    const parameters = new Set(
      tokens.filter((token) => token.kind === 'parameter').map((token) => token.text),
    );
    return {
      parameters: [...parameters],
      timeZones: [...timeZones.parameters].filter((name) => parameters.has(name)),
      short: [...shortArguments.parameters].filter((name) => parameters.has(name)),
      nobody: ignoresPerson(query, tree),
      safely: keepsToKey(tokens, tree),
    };
  }

  /**
   * Explains the query as a sub-select: only there does the engine reject INTO OUTFILE, FORMAT and further statements,
   * which it would otherwise execute during EXPLAIN.
   */
  async #queryTree(query: string, sql: string, signal: AbortSignal | undefined): Promise<QueryTree> {
    const statement = `EXPLAIN QUERY TREE run_passes = 0 SELECT * FROM (${query})`;
    try {
      const options = signal === undefined ? {} : { signal };
      const rows = await this.#parser.rows<{ explain: string }>(statement, options);
      return readQueryTree(rows.map((row) => row.explain));
    } catch (error) {
      const syntax = error instanceof ClickHouseError && error.exceptionCode === 62;
      const refusal = refusalOfEngine(error, sql);
      throw syntax && refusal instanceof QueryError && refusal.code === 'sql_invalid'
        ? trailingClause()
        : refusal;
    }
  }
}

/** The text is valid alone but invalid in parentheses: it continues after the query. */
function trailingClause(): QueryError {
  return notAllowed(
    'output',
    'INTO OUTFILE, FORMAT',
    'Only the query itself may be sent, without INTO OUTFILE, FORMAT or a further statement.',
    'Leave it out, and choose the format with the request: "format" of its body, or --format of weir query.',
  );
}

function otherStatement(canonical: string): QueryError {
  const [first = '', second = ''] = canonical.split(/[ (]/);
  const name = first === 'EXPLAIN' ? `${first} ${second}` : first;
  return notAllowed(
    'statement',
    name,
    `${name} is not for queries here.`,
    first === 'EXPLAIN'
      ? 'Of EXPLAIN there is EXPLAIN SYNTAX SELECT …; the others count the rows of other projects too.'
      : 'Send a SELECT, DESCRIBE of events, persons or sessions, or EXPLAIN SYNTAX SELECT ….',
  );
}
