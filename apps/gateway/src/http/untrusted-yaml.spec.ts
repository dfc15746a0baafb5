import { Rejection } from '@downbeat/eventsourcing';
import { parseUntrustedYaml } from './untrusted-yaml';

const refusal = (text: string): string => {
  const parsed = parseUntrustedYaml(text);
  return parsed instanceof Rejection ? parsed.message : 'taken';
};

describe('YAML from outside', () => {
  it('gives what JSON would', () =>
    expect(
      parseUntrustedYaml('a: 1\nb: [yes, "2", 2.5, null, ~]\nc: {d: true}\ne: 2020-01-01'),
    ).toEqual({
      value: { a: 1, b: ['yes', '2', 2.5, null, null], c: { d: true }, e: '2020-01-01' },
    }));

  it('is an empty object when there is no document', () =>
    expect(parseUntrustedYaml('# nothing\n')).toEqual({ value: {} }));

  it('may use an alias now and then', () =>
    expect(parseUntrustedYaml('a: &x [1]\nb: *x')).toEqual({ value: { a: [1], b: [1] } }));

  it.each([
    ['deep brackets', '['.repeat(100_000), 'nested too deep'],
    ['deep maps', '{a: '.repeat(50_000), 'nested too deep'],
    ['deep lists', '- '.repeat(50_000), 'nested too deep'],
    ['deep keys', '? '.repeat(50_000), 'nested too deep'],
    [
      'deep lines',
      Array.from({ length: 300 }, (_, at) => `${' '.repeat(at)}a:`).join('\n'),
      'nested too deep',
    ],
    ['33 levels', `a: ${'['.repeat(33)}${']'.repeat(33)}`, 'nested deeper than 32'],
    [
      'many entries',
      Array.from({ length: 1_001 }, (_, at) => `k${at}: 1`).join('\n'),
      'more than 1000 entries',
    ],
    ['many commas', `[${','.repeat(100_000)}]`, 'more than 60000 tokens'],
    ['many strings', '""'.repeat(100_000), 'more than 60000 tokens'],
    ['a loop', 'a: &x [*x]', 'nested deeper'],
    ['an unknown alias', 'a: *x', 'alias'],
    ['a tag', 'a: !foo b', 'tag'],
    ['binary', 'a: !!binary aGk=', 'tag'],
    ['a key twice', 'a: 1\na: 2', 'unique'],
    ['two documents', 'a: 1\n---\nb: 2', 'more than one document'],
    ['a key that is a list', '? [a]\n: b', 'keys must be strings'],
    ['300 KiB', `a: ${'x'.repeat(300_000)}`, 'at most 256 KiB'],
  ])('refuses %s', (_, text, reason) => {
    expect(refusal(text)).toContain(reason);
  });
});
