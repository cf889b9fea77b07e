import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DEFAULT_SERVER, mergeSources, requireKey, type Source } from './connection.js';

const HERE = 'http://127.0.0.1:8080';
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

/** Sources whose credentials contain the name of the source. */
const sources: fc.Arbitrary<Source[]> = fc
  .array(
    fc.record({
      server: maybe(fc.constantFrom(HERE, 'http://localhost:8080/', 'https://weir.example')),
      project: maybe(fc.constantFrom('p1', 'p2')),
      has: fc.record({ key: fc.boolean(), token: fc.boolean(), operatorKey: fc.boolean() }),
    }),
    { maxLength: 5 },
  )
  .map((all) =>
    all.map(({ server, project, has }, i) => ({
      name: `source ${i}`,
      server,
      project,
      key: has.key ? `key ${i}` : undefined,
      token: has.token ? `token ${i}` : undefined,
      operatorKey: has.operatorKey ? `operator ${i}` : undefined,
    })),
  );

it('sends no credential to another server or project than its source names', () => {
  fc.assert(
    fc.property(sources, (all) => {
      const { server, project, key, token, operatorKey } = mergeSources(all);
      const isLocal = (url: string) => !url.startsWith('https:');
      for (const credential of [key, token, operatorKey]) {
        const source = all.find((one) => [one.key, one.token, one.operatorKey].includes(credential ?? ''));
        if (source === undefined) continue;
        if (source.server !== undefined) expect(isLocal(source.server)).toBe(isLocal(server));
        if (credential !== operatorKey && source.project !== undefined) expect(source.project).toBe(project);
      }
    }),
    { seed: 1, numRuns: 1_000 },
  );
});

it('reports the credentials of another server', () => {
  const connection = mergeSources([
    { name: 'the command line', server: 'https://weir.example' },
    { name: 'the environment', server: HERE, project: 'p1', key: 'k1' },
  ]);
  expect(connection).toMatchObject({ project: null, key: null, unused: [`the environment (${HERE})`] });
  const hint = expect.stringContaining(`the environment (${HERE}) has is not used`);
  expect(() => requireKey(connection)).toThrow(expect.objectContaining({ hint }));
});

it('takes each value from the first source that has it', () => {
  const merged = mergeSources([
    { name: 'options', project: 'p1' },
    { name: 'environment', server: '', key: 'k1' },
    { name: 'profile', server: 'http://localhost:9000', project: 'p2', key: 'k2', operatorKey: 'o2' },
    { name: 'file', server: 'http://127.0.0.1:9000/', project: 'P1', token: 't3' },
  ]);
  expect(merged).toEqual({
    server: 'http://localhost:9000',
    serverFrom: 'profile',
    project: 'p1',
    key: 'k1',
    token: 't3',
    operatorKey: 'o2',
    unused: [],
  });
  expect(mergeSources([]).server).toBe(DEFAULT_SERVER);
});
