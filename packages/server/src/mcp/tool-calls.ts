/** What every tool call goes through: the admission gate, cancellation, and failures as results. */

import type { CallToolResult, ServerContext } from '@modelcontextprotocol/server';
import { firstAbort, type Logger } from '@weir/base';
import { type EngineMeter, QueryError, type QueryService } from '@weir/query';
import type { Admission, Lease, RequestRecord } from '@weir/usage';
import { problemOf } from '../http/problem-of.js';
import type { McpCaller } from './caller.js';
import type { Cancellations } from './cancellations.js';
import { toolErrorOfDenial } from './denied-call.js';
import { ToolError, toolErrorOf } from './tool-error.js';

/** What a tool answers with. */
export interface ToolAnswer {
  /** For clients that give a model nothing but text. */
  readonly text: string;
  /** Fits the tool's output schema. */
  readonly structured: Record<string, unknown>;
}

/** What the calls of one request share. */
export interface ToolCallParts {
  readonly caller: McpCaller;
  /** Of clients up to 2025-11-25, see {@link Cancellations}. */
  readonly sessionId: string | null;
  /** The HTTP request's, for the log. */
  readonly requestId: string;
  /** The read path; throws a Problem where this server has none. */
  readonly query: () => QueryService;
  readonly cancellations: Cancellations;
  /** Asked before each call; what it holds is released when the call has ended. */
  readonly admit: () => Admission | Promise<Admission>;
  /** The record of the request; undefined where usage is switched off. */
  readonly usage: RequestRecord | undefined;
  /** Where a person can pay; null where the host names no such place. */
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

  /** Counts the engine's share of what is asked for. */
  get metered(): { readonly meter?: EngineMeter } {
    const { usage } = this.#parts;
    return usage === undefined ? {} : { meter: { begun: () => usage.compute() } };
  }

  /** Runs one call. Never rejects: what fails is a result that says so. */
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
