/// <reference lib="dom" />
/** Pages of another origin in a real browser, which decides by its own rules what a page may send and read. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { findProgram } from '@weir/base/testing';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WeirProcess, waitUntil } from './index.js';

let weir: WeirProcess;
let pages: Server;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  pages = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<p>a shop'));
  await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve));
  // The cast holds: a TCP server's address is an object.
  const origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
  weir = await new WeirProcess({ WEIR_ALLOWED_ORIGINS: `*,${origin}` }).start();
  const executablePath = await findProgram({ name: 'chromium', debianPackage: 'chromium' });
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  page = await browser.newPage();
  await page.goto(origin);
});
afterAll(async () => {
  await browser?.close();
  pages?.close();
  await weir?.dispose();
});

it('sends events by sendBeacon, fetch with credentials and XMLHttpRequest with credentials', async () => {
  const sent = await page.evaluate(
    async ({ url, token }) => {
      const body = (event_id: string) =>
        JSON.stringify({ token, events: [{ event: 'page', event_id, timestamp: Date.now() }] });
      const json = (event_id: string) => new Blob([body(event_id)], { type: 'application/json' });
      const options: RequestInit = { method: 'POST', credentials: 'include', keepalive: true };
      const byFetch = async (at: string, event_id: string, headers: Record<string, string>) =>
        (await fetch(at, { ...options, headers, body: body(event_id) })).status;
      const byRequest = (event_id: string) =>
        new Promise<number>((resolve) => {
          const request = new XMLHttpRequest();
          request.open('POST', url);
          request.withCredentials = true;
          request.setRequestHeader('content-type', 'application/json');
          request.onloadend = () => resolve(request.status);
          request.send(body(event_id));
        });
      return {
        beacon: navigator.sendBeacon(url, json('beacon')),
        beaconWithQuery: navigator.sendBeacon(`${url}?token=${token}`, json('beacon-query')),
        fetch: await byFetch(url, 'fetch', { 'content-type': 'application/json' }),
        fetchWithHeader: await byFetch(`${url}/`, 'fetch-header', { authorization: `Bearer ${token}` }),
        request: await byRequest('xhr'),
      };
    },
    { url: `${weir.url}/api/v1/ingest/events`, token: weir.token },
  );
  expect(sent).toEqual({
    beacon: true,
    beaconWithQuery: true,
    fetch: 202,
    fetchWithHeader: 202,
    request: 202,
  });
  const ids = ['beacon', 'beacon-query', 'fetch', 'fetch-header', 'xhr'];
  await waitUntil('the events', async () => (await weir.storedIds()).length >= ids.length);
  expect((await weir.storedIds()).sort()).toEqual(ids);
});

it('a page of a named origin reads its receipt, asks in SQL and over MCP, and reads refusals', async () => {
  const read = await page.evaluate(
    async ({ url, project, token, key }) => {
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
      const ingest = `${url}/api/v1/ingest`;
      const sent = await fetch(`${ingest}/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify({ event: 'receipt', timestamp: Date.now() }),
      });
      const { receipt } = (await sent.json()) as { receipt: string };
      const state = await fetch(`${ingest}/receipts/${receipt}`, {
        headers: { authorization: `Bearer ${token}` },
      });
      const query = await fetch(`${url}/api/v1/projects/${project}/query`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ sql: 'SELECT 1 AS one' }),
      });
      const schema = await fetch(`${url}/api/v1/projects/${project}/schema`, { headers });
      const refused = await fetch(`${ingest}/events`, { method: 'POST', body: '[]' });
      const initialize = {
        jsonrpc: '2.0',
        id: 1,
        method: 'initialize',
        params: {
          protocolVersion: '2025-11-25',
          capabilities: {},
          clientInfo: { name: 'page', version: '1' },
        },
      };
      const mcp = await fetch(`${url}/mcp`, {
        method: 'POST',
        headers: {
          ...headers,
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': '2025-11-25',
        },
        body: JSON.stringify(initialize),
      });
      return {
        state: state.status,
        query: ((await query.json()) as { rows: unknown }).rows,
        schema: schema.status,
        refused: ((await refused.json()) as { code: string }).code,
        mcp: [mcp.status, mcp.headers.get('mcp-session-id') !== null],
      };
    },
    { url: weir.url, project: weir.project, token: weir.token, key: weir.key },
  );
  expect(read).toEqual({ state: 200, query: [[1]], schema: 200, refused: 'unauthorized', mcp: [200, true] });
});
