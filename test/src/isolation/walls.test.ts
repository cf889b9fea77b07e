/** docs/isolation.md, cell by cell: each wall alone must stop what the page says it stops, over REST and over MCP. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attacks, type WorldAttack } from './attacks.js';
import { SURFACES, type Surface, WALLS, World } from './world.js';

const PAGE = readFileSync(new URL('../../../docs/isolation.md', import.meta.url), 'utf8');
/** Rows of the page's table: id, attack, and a mark for each wall. */
const ROWS = [...PAGE.matchAll(/^\| (\w+) \| ([^|]+) \|([^|]*)\|([^|]*)\|([^|]*)\|$/gm)]
  .map(([, id = '', title = '', ...marks]) => ({
    id,
    title: title.trim(),
    walls: WALLS.filter((_, i) => marks[i]?.trim() === '✔'),
  }))
  .filter(({ id }) => id !== 'id');

describe.each(WALLS)('with the wall %s alone', (wall) => {
  let world: World;
  beforeAll(async () => {
    world = await World.start(WALLS.filter((one) => one !== wall));
  });
  afterAll(async () => {
    await world?.close();
  });

  for (const surface of SURFACES) {
    for (const { id, title } of ROWS.filter((row) => row.walls.includes(wall))) {
      it(`${id}, over ${surface}: ${title}`, async () => {
        for (const attack of attacks(world)[id] ?? []) {
          expect(await outcome(world, surface, attack), attack.sql).toBe('held');
        }
        expect(await world.isUntouched()).toBe(true);
      });
    }
  }
});

describe('without any wall', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.start(WALLS);
  });
  afterAll(async () => {
    await world?.close();
  });

  // A test of walls is worth something only where there is something to stop. These would end the server, crash the
  // engine, need granules of thousands of rows, or a time zone's file.
  it.each(ROWS.map(({ id }) => id).filter((id) => !['statements', 'states', 'marks', 'zones'].includes(id)))(
    '%s reaches its goal',
    async (id) => {
      const isReached = async (): Promise<boolean> => {
        for (const attack of attacks(world)[id] ?? []) {
          if ((await outcome(world, 'REST', attack)) !== 'held') return true;
        }
        return id === 'sqlite' && !(await world.isUntouched());
      };
      // Errors speak only of rows that lie beside one's own, as not every insert puts them.
      for (let i = 0; id === 'errors' && i < 8 && !(await isReached()); i += 1) await world.sendEvents();
      expect(await isReached()).toBe(true);
    },
  );
});

it('has attacks for every row of the page, and a row for every attack', async () => {
  expect(ROWS.length).toBeGreaterThan(10);
  const ids = Object.keys(attacks(Object.create(World.prototype, PLACE)));
  expect(ROWS.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
  for (const { walls } of ROWS) expect(walls).not.toEqual([]);
});

const PLACE = {
  weir: { value: { url: '', port: 0, pid: 0 } },
  file: { value: '' },
  folder: { value: '' },
  neighbour: { value: { project: '', token: '', key: '' } },
};

/** What became of an attack: `held`, or what it got. */
async function outcome(world: World, surface: Surface, { sql, params, holds }: WorldAttack): Promise<string> {
  const seen = await world.ask(surface, sql, params);
  const leaked = world.leaked(seen, sql);
  if (leaked !== undefined) return `showed ${leaked}: ${seen.text.slice(0, 500)}`;
  if (seen.code === 'internal') return `broke the server: ${seen.text}`;
  if (holds === 'refused' && !seen.isRefused) return `answered: ${seen.text.slice(0, 500)}`;
  if (holds === 'answered' && seen.isRefused) return `told by failing: ${seen.text.slice(0, 500)}`;
  return 'held';
}
