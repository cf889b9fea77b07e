import { expect, it } from 'vitest';
import { PageOrigins } from './origins.js';

const local = new PageOrigins(() => 'http://127.0.0.1:8080');
const everywhere = new PageOrigins(() => 'http://0.0.0.0:8080');
const hosted = new PageOrigins(() => 'https://weir.example/base', ['https://App.Example']);

it.each([
  [local, 'http://127.0.0.1:8080'],
  [local, 'http://localhost:6274'],
  [local, 'http://[::1]:3000'],
  [everywhere, 'http://localhost:8080'],
  [hosted, 'https://weir.example'],
  [hosted, 'https://WEIR.example:443'],
  [hosted, 'https://app.example'],
])('lets pages of the server itself and of allowed origins in: %#', (origins, origin) => {
  expect(origins.allows(origin)).toBe(true);
});

it.each([
  [local, 'http://evil.example'],
  [local, 'http://127.0.0.1.evil.example'],
  [local, 'http://localhost.evil.example:8080'],
  [local, 'null'],
  [local, ''],
  [local, 'file:///etc/passwd'],
  [everywhere, 'http://192.168.1.7:8080'],
  [hosted, 'http://weir.example'],
  [hosted, 'https://weir.example:8443'],
  [hosted, 'https://sub.weir.example'],
  [hosted, 'http://localhost:8080'],
])('refuses all others: %#', (origins, origin) => {
  expect(origins.allows(origin)).toBe(false);
});
