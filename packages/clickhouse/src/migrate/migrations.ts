import { createEventsTable } from './events.js';
import { backfillLinks, createLinkTables, renewAliasLinks } from './identity-links.js';
import type { DatabaseNames, Migration } from './migration.js';
import { rewriteUnreadable } from './readable-documents.js';
import { createUsageTable } from './usage.js';

/** All steps, in order. The public views are not steps: each start recreates them, see views.ts. */
export function migrations(names: DatabaseNames): readonly Migration[] {
  return [
    {
      id: 1,
      name: 'events',
      statements: [`CREATE DATABASE IF NOT EXISTS ${names.base}`, createEventsTable(names)],
    },
    { id: 2, name: 'identity', statements: [...createLinkTables(names), ...backfillLinks(names)] },
    {
      id: 3,
      name: 'usage',
      statements: [`CREATE DATABASE IF NOT EXISTS ${names.usage}`, createUsageTable(names)],
    },
    { id: 4, name: 'readable documents', statements: [rewriteUnreadable(names)] },
    { id: 5, name: 'aliases of anonymous ids', statements: renewAliasLinks(names) },
  ];
}
