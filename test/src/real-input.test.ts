/** Real data through the command line into a server, and back out of it in SQL, compared with its source. */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WeirProcess } from './index.js';

const CLI = fileURLToPath(new URL('../../packages/cli/bin/weir.js', import.meta.url));
const run = promisify(execFile);

let server: WeirProcess;
beforeAll(async () => {
  server = await new WeirProcess().start();
});
afterAll(async () => {
  await server?.dispose();
});

interface Counts {
  readonly sent: number;
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: number;
}

/** `weir` as its user runs it, elsewhere. */
async function weir(...args: string[]): Promise<Counts> {
  const { stdout } = await run(process.execPath, [CLI, ...args, '--json'], {
    cwd: server.dataDir,
    env: {
      PATH: process.env.PATH,
      HOME: server.dataDir,
      WEIR_SERVER: server.url,
      WEIR_PROJECT: server.project,
      WEIR_KEY: server.key,
      WEIR_TOKEN: server.token,
    },
  });
  return JSON.parse(stdout) as Counts;
}

it('weir send: a file of three thousand films, as it is', async () => {
  type Film = Record<string, string | number | null>;
  const data = new URL('../data/movies.json', import.meta.resolve('vega-datasets'));
  const films = JSON.parse(readFileSync(data, 'utf8')) as Film[];
  const file = join(server.dataDir, 'films.ndjson');
  const lines = films.map((properties, i) =>
    JSON.stringify({
      event: 'film',
      event_id: `film-${i}`,
      timestamp: 1_700_000_000_000 + 1_000 * i,
      properties,
    }),
  );
  writeFileSync(file, `${lines.join('\n')}\n`);
  expect(await weir('send', file)).toMatchObject({ sent: films.length, accepted: films.length, rejected: 0 });
  await server.settled();

  const stored = await server.query(
    "SELECT event_id, properties FROM events WHERE event = 'film' ORDER BY timestamp LIMIT 10000",
  );
  expect(stored).toEqual(films.map((film, i) => [`film-${i}`, JSON.stringify(film)]));
  const byGenre = await server.query(
    `SELECT JSONExtractString(properties, 'Major Genre') AS genre, count(),
       sum(JSONExtractInt(properties, 'Worldwide Gross')) FROM events WHERE event = 'film' GROUP BY genre`,
  );
  const wanted = new Map<string, { count: number; gross: number }>();
  for (const film of films) {
    const genre = String(film['Major Genre'] ?? '');
    const { count, gross } = wanted.get(genre) ?? { count: 0, gross: 0 };
    wanted.set(genre, { count: count + 1, gross: gross + Number(film['Worldwide Gross'] ?? 0) });
  }
  expect(
    new Map(byGenre.map(([genre, count, gross]) => [genre, { count: Number(count), gross: Number(gross) }])),
  ).toEqual(wanted);
});
