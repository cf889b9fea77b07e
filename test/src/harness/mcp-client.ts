/** The official MCP clients, as people use them: of the current line and of the one before it, over HTTP and stdio. */
import { fileURLToPath } from 'node:url';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { Client as EarlierClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as EarlierStdio } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as EarlierHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport as EarlierTransport } from '@modelcontextprotocol/sdk/shared/transport.js';

const CLI = fileURLToPath(new URL('../../../packages/cli/bin/weir.js', import.meta.url));
const INFO = { name: 'weir-test', version: '1' };

/** Which client speaks: of revision 2026-07-28, or of 2025-11-25 by the current and by the earlier library. */
export const MCP_LINES = ['2026-07-28', '2025-11-25', 'earlier library'] as const;
export type McpLine = (typeof MCP_LINES)[number];

/** How it reaches the server. */
export const MCP_WAYS = ['http', 'stdio'] as const;
export type McpWay = (typeof MCP_WAYS)[number];

/** What a tool call was answered with. */
interface McpResult {
  readonly isError: boolean;
  readonly text: string;
  readonly structured: { readonly [key: string]: unknown };
  /** Of a failed call. */
  readonly code: string | undefined;
}

/** A tool as listed. */
interface McpTool {
  readonly name: string;
  readonly description?: string | undefined;
  readonly annotations?: object | undefined;
  readonly outputSchema?: object | undefined;
}

/** A connected client. Both libraries check structured content against the tool's output schema, once it is listed. */
export interface McpClient {
  tools(): Promise<readonly McpTool[]>;
  call(tool: string, args?: Record<string, unknown>, signal?: AbortSignal): Promise<McpResult>;
  close(): Promise<void>;
}

/** Connects a client with an API key. */
export async function connectMcp(
  line: McpLine,
  way: McpWay,
  server: { readonly url: string; readonly key: string; readonly home: string },
): Promise<McpClient> {
  const url = new URL(`${server.url}/mcp`);
  const http = { requestInit: { headers: { authorization: `Bearer ${server.key}` } } };
  const stdio = {
    command: process.execPath,
    args: [CLI, 'mcp'],
    env: {
      PATH: process.env.PATH ?? '',
      HOME: server.home,
      WEIR_HOME: server.home,
      WEIR_SERVER: server.url,
      WEIR_KEY: server.key,
    },
    cwd: server.home,
    stderr: 'ignore' as const,
  };
  if (line === 'earlier library') {
    const client = new EarlierClient(INFO);
    // The cast holds: the library's own transport, which its types allow to have no session id.
    const transport = (
      way === 'http' ? new EarlierHttp(url, http) : new EarlierStdio(stdio)
    ) as EarlierTransport;
    await client.connect(transport);
    return {
      tools: async () => (await client.listTools()).tools,
      call: async (name, args = {}, signal) =>
        resultOf(await client.callTool({ name, arguments: args }, undefined, signal ? { signal } : {})),
      close: async () => await client.close(),
    };
  }
  const client = new Client(INFO, line === '2026-07-28' ? { versionNegotiation: { mode: 'auto' } } : {});
  await client.connect(
    way === 'http' ? new StreamableHTTPClientTransport(url, http) : new StdioClientTransport(stdio),
  );
  const spoken = client.getNegotiatedProtocolVersion();
  if (spoken !== line) throw new Error(`the client speaks ${spoken}, not ${line}`);
  return {
    tools: async () => (await client.listTools()).tools,
    call: async (name, args = {}, signal) =>
      resultOf(await client.callTool({ name, arguments: args }, signal ? { signal } : {})),
    close: async () => await client.close(),
  };
}

function resultOf(result: {
  readonly [key: string]: unknown;
  readonly content?: unknown;
  readonly structuredContent?: unknown;
  readonly isError?: unknown;
  readonly _meta?: { readonly [key: string]: unknown } | undefined;
}): McpResult {
  // The casts hold where the server keeps to its own documentation, which the tests then show.
  const [first] = (result.content ?? []) as readonly { readonly text?: string }[];
  const error = result._meta?.['weir/error'] as { readonly code?: string } | undefined;
  return {
    isError: result.isError === true,
    text: first?.text ?? '',
    structured: (result.structuredContent ?? {}) as McpResult['structured'],
    code: error?.code,
  };
}
