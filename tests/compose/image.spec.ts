import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

const WORKSPACE = join(__dirname, '..', '..');
const read = (path: string): string => readFileSync(join(WORKSPACE, path), 'utf8');

/** Patterns as `.dockerignore` has them: a star is within one folder, two are any. */
const matches = (pattern: string, path: string): boolean => {
  const expression = pattern
    .replace(/[.+]/g, '\\$&')
    .replaceAll('**/', '(.+/)?')
    .replace(/\*\*/g, '.*')
    .replace(/(?<![.*])\*/g, '[^/]*');
  return new RegExp(`^${expression}(/.*)?$`).test(path);
};

/** The last pattern that matches a path decides. */
const isInImage = (patterns: readonly string[], path: string): boolean =>
  patterns.reduce((isIn, pattern) => {
    const isKept = pattern.startsWith('!');
    return matches(isKept ? pattern.slice(1) : pattern, path) ? isKept : isIn;
  }, true);

const importsOf = (path: string): readonly string[] =>
  [...read(path).matchAll(/from '(\.[^']+)'/g)].map(([, name = '']) =>
    posix.join(posix.dirname(path), name),
  );

const patterns = read('.dockerignore')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));
const programs = readdirSync(join(WORKSPACE, 'deploy'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.mjs'))
  .map((name) => `deploy/${name}`);

it('has the programs of the deployment, and what they import', () => {
  expect(programs).toContain('deploy/secrets.mjs');
  const needed = programs.flatMap((program) => [program, ...importsOf(program)]);
  expect(needed.filter((path) => !isInImage(patterns, path))).toEqual([]);
});

it.each([
  ['node_modules', 'apps/registry/node_modules/x/index.js'],
  ['what was compiled', 'libs/sdk/dist/index.js'],
  ['tests', 'libs/sdk/src/messages/lanes.spec.ts'],
  ['local data', '.downbeat/configuration-key'],
  ['settings of a machine', '.env'],
])('leaves out %s', (_, path) => expect(isInImage(patterns, path)).toBe(false));
