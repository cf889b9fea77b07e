import { projectsAndDeadLetters } from './0001-projects-and-dead-letters.js';
import type { Migration } from './migration.js';

/** Every step of the schema, in order. */
export const migrations: readonly Migration[] = [projectsAndDeadLetters];
