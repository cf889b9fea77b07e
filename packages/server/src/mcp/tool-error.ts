/**
 * Errors of a tool for a model: what happened, with the code, and what to do next. They are results with
 * `isError`, which the model receives; protocol errors only reach the client program.
 */
import type { CallToolResult } from '@modelcontextprotocol/server';
import { type ErrorDetails, WeirError } from '@weir/base';
import type { QueryError, QueryErrorCode } from '@weir/query';
import { dataLine, plainLine, untrustedBlock } from './untrusted.js';

/** Key in the `_meta` of a failed call's result; contains `code` and further facts. */
export const ERROR_META_KEY = 'weir/error';

/** An error of a tool, with the next step in `hint`. */
export class ToolError extends WeirError {
  /** Lines with data of clients, created with {@link dataLine}. */
  readonly data: readonly string[];

  constructor(
    code: string,
    message: string,
    details: ErrorDetails & { readonly hint: string },
    data: readonly string[] = [],
  ) {
    super(code, message, details);
    this.data = data;
  }

  /** The result of the failed call. */
  toResult(): CallToolResult {
    const lines = [`Error ${this.code}: ${plainLine(this.message)}`, `Next: ${this.hint}`];
    if (this.data.length > 0) lines.push(untrustedBlock(this.data));
    return {
      isError: true,
      content: [{ type: 'text', text: lines.join('\n') }],
      _meta: { [ERROR_META_KEY]: { code: this.code, ...this.facts } },
    };
  }
}

/** Hints for codes without one of their own. */
const NEXT: Readonly<Partial<Record<QueryErrorCode, string>>> = {
  sql_required:
    'write one SELECT, such as: SELECT event, count() AS n FROM events GROUP BY event ORDER BY n DESC',
  sql_invalid: "correct the SQL there (it is ClickHouse's dialect) and call again.",
  sql_not_allowed:
    'rewrite it as one plain SELECT over the tables there are, without SETTINGS, FORMAT or INTO.',
  query_failed: 'correct the SQL and call again; the tool "schema" has every column with its type.',
  client_gone: 'nothing: the call was cancelled.',
  engine_unavailable: 'the query engine is down or starting; wait, then call again with the same arguments.',
};

/** Codes whose messages quote the engine, which may quote stored values. */
const SPOKEN_BY_ENGINE: ReadonlySet<QueryErrorCode> = new Set(['sql_invalid', 'query_failed']);

/** Converts an error of a query. */
export function toolErrorOf(error: QueryError): ToolError {
  const { code, message, hint, retryAfterMs, facts } = error;
  const { rule, identifier, position } = facts;
  const isQuoted = SPOKEN_BY_ENGINE.has(code);
  const retryAfter = retryAfterMs === undefined ? undefined : Math.ceil(retryAfterMs / 1000);
  const where = [
    ...(identifier === undefined ? [] : [`at ${dataLine(identifier)}`]),
    ...(position === undefined ? [] : [`line ${position.line}, column ${position.column}`]),
  ].join(', ');
  const known =
    rule === 'output' ? 'leave FORMAT and INTO OUTFILE out: this tool returns rows as JSON' : hint;
  const advice = known === undefined ? (NEXT[code] ?? 'tell the user.') : sentence(plainLine(known));
  const next = retryAfter === undefined ? advice : `${advice} Wait ${retryAfter} s.`;
  const what = isQuoted ? 'the engine refuses the query; its words are below' : message.replace(/\.$/, '');
  return new ToolError(
    code,
    where === '' ? what : `${what} (${where})`,
    { ...facts, hint: next, retry_after_s: retryAfter, cause: error },
    isQuoted ? [dataLine(message)] : [],
  );
}

function sentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}
