/** The common path of every tool call: admission, cancellation, and errors as results. */

import type { CallToolResult, ServerContext } from '@modelcontextprotocol/server';
import { firstAbort, type Logger } from '@weir/base';
import { type EngineMeter, QueryError, type QueryService } from '@weir/query';
import type { Admission, Lease, RequestRecord } from '@weir/usage';
import { problemOf } from '../http/problem-of.js';
import type { McpCaller } from './caller.js';
import type { Cancellations } from './cancellations.js';
import { toolErrorOfDenial } from './denied-call.js';
import { ToolError, toolErrorOf } from './tool-error.js';

/** The answer of a tool. */
export interface ToolAnswer {
  /** For clients that pass only text to a model. */
  readonly text: string;
  /** Matches the output schema of the tool. */
  readonly structured: Record<string, unknown>;
}

/** State shared by the calls of one request. */
export interface ToolCallParts {
  readonly caller: McpCaller;
  /** Identifies clients up to 2025-11-25, see {@link Cancellations}. */
  readonly sessionId: string | null;
  /** The id of the HTTP request, for the log. */
  readonly requestId: string;
  /** The read path; throws a Problem if this server has none. */
  readonly query: () => QueryService;
  readonly cancellations: Cancellations;
  /** Called before each call; the admission is released when the call has ended. */
  readonly admit: () => Admission | Promise<Admission>;
  /** The record of the request; undefined if usage is switched off. */
  readonly usage: RequestRecord | undefined;
  /** The page for payment; null if the host has none. */
  readonly upgradeUrl: string | null;
  readonly logger: Logger;
}

/** Runs the tool calls of one request. */
export class ToolCalls {
  readonly #parts: ToolCallParts;

  constructor(parts: ToolCallParts) {
    this.#parts = parts;
  }

  get query(): QueryService {
    return this.#parts.query();
  }

  get projectId(): string {
    return this.#parts.caller.projectId;
  }

  /** Adds the engine's work to the record of the request. */
  get metered(): { readonly meter?: EngineMeter } {
    const { usage } = this.#parts;
    return usage === undefined ? {} : { meter: { begun: () => usage.compute() } };
  }

  /** Runs one call. Never rejects: an error becomes a result. */
  async run(
    tool: string,
    ctx: ServerContext,
    answer: (signal: AbortSignal) => ToolAnswer | Promise<ToolAnswer>,
  ): Promise<CallToolResult> {
    const { caller, admit, usage, upgradeUrl, logger, requestId: rid } = this.#parts;
    const started = performance.now();
    let code = 'ok';
    let lease: Lease | null = null;
    try {
      const admission = await admit();
      if (!admission.ok) {
        usage?.denyCall(admission.code);
        throw toolErrorOfDenial(admission, upgradeUrl);
      }
      usage?.call();
      lease = admission.lease;
      const { text, structured } = await this.#cancellable(ctx, answer);
      return { content: [{ type: 'text', text }], structuredContent: structured };
    } catch (error) {
      const failure = this.#failureOf(error);
      code = failure.code;
      usage?.fail();
      return failure.toResult();
    } finally {
      lease?.release();
      const ms = Math.round(performance.now() - started);
      logger.info({ rid, project: caller.projectId, tool, code, ms }, 'tool call');
    }
  }

  async #cancellable(
    ctx: ServerContext,
    answer: (signal: AbortSignal) => ToolAnswer | Promise<ToolAnswer>,
  ): Promise<ToolAnswer> {
    const { signal, id: requestId } = ctx.mcpReq;
    const { sessionId, caller, cancellations } = this.#parts;
    if (sessionId === null) return await answer(signal);
    return await cancellations.during(
      { tokenId: caller.tokenId, sessionId, requestId },
      async (cancelled) => {
        const either = firstAbort(signal, cancelled);
        try {
          return await answer(either.signal);
        } finally {
          either.release();
        }
      },
    );
  }

  #failureOf(error: unknown): ToolError {
    if (error instanceof ToolError) return error;
    if (error instanceof QueryError) return toolErrorOf(error);
    const { code, message, hint = 'tell the user.' } = problemOf(error);
    if (code !== 'internal') return new ToolError(code, message, { hint, cause: error });
    const { logger, requestId: rid } = this.#parts;
    logger.error({ err: error, rid }, 'tool call failed');
    return new ToolError(code, message, {
      hint: `try once more; if it fails again, tell the user the request id ${rid}.`,
      request_id: rid,
      cause: error,
    });
  }
}
