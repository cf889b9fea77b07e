import { createEventsTable, createEventsView } from './events.js';
import type { DatabaseNames, Migration } from './migration.js';

/** All steps, in order. */
export function migrations(names: DatabaseNames): readonly Migration[] {
  return [
    {
      id: 1,
      name: 'events',
      statements: [
        `CREATE DATABASE IF NOT EXISTS ${names.base}`,
        createEventsTable(names),
        createEventsView(names),
      ],
    },
  ];
}
