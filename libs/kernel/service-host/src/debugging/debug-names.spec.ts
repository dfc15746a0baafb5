import { DEBUG_NAMES, isTurnedOn, namingNothing } from './debug-names';

const turnedOn = (patterns: string): readonly string[] =>
  DEBUG_NAMES.filter((name) => isTurnedOn(patterns, name));
const of = (part: string) => DEBUG_NAMES.filter((name) => name.startsWith(`downbeat:${part}:`));

describe('what DEBUG turns on', () => {
  it('is nothing unless it is named', () => {
    expect(DEBUG_NAMES.length).toBeGreaterThan(25);
    for (const nothing of ['', ' , ', 'express:*', 'other']) expect(turnedOn(nothing)).toEqual([]);
  });

  it('is a part with everything in it, one thing of it, or all', () => {
    expect(turnedOn('downbeat:registry')).toEqual(of('registry'));
    expect(turnedOn('downbeat:registry,downbeat:saga')).toEqual([...of('registry'), ...of('saga')]);
    expect(turnedOn('downbeat:saga:calls')).toEqual(['downbeat:saga:calls']);
    for (const all of ['downbeat', 'downbeat:*', '*']) expect(turnedOn(all)).toEqual(DEBUG_NAMES);
    expect(turnedOn('downbeat:*:commands')).toEqual(
      DEBUG_NAMES.filter((name) => name.endsWith(':commands')),
    );
  });

  it('is not what is taken away again', () => {
    expect(turnedOn('downbeat:registry -downbeat:registry:queries')).toEqual(
      of('registry').filter((name) => name !== 'downbeat:registry:queries'),
    );
    expect(turnedOn('downbeat:*,-downbeat:health')).toEqual(
      DEBUG_NAMES.filter((name) => !name.startsWith('downbeat:health')),
    );
  });
});

describe('a pattern of DEBUG', () => {
  it('names something whenever it turns something on', () => {
    for (const name of DEBUG_NAMES)
      for (const pattern of [
        name,
        `-${name}`,
        `${name.slice(0, -2)}*`,
        name.replace(/:\w+:/, ':*:'),
      ])
        expect([pattern, namingNothing(pattern)]).toEqual([pattern, []]);
    for (const pattern of [
      'downbeat',
      'downbeat:*',
      'downbeat*',
      '*',
      'express:*',
      'downbeat-shop:x',
      '',
    ])
      expect([pattern, namingNothing(pattern)]).toEqual([pattern, []]);
  });

  it.each([
    'downbeat:registy',
    '-downbeat:registy',
    'downbeat:registry:commands:x',
    'downbeat:registry:comm',
    'downbeat:*:command',
    'downbeat:x*',
    'downbeat:*s*s*s*s*s*s*s*s*',
    'downbeat:*gateway:requests*requests',
  ])('that begins as ours do and names nothing is told: %s', (pattern) =>
    expect(namingNothing(`express:*, ${pattern} downbeat:saga`)).toEqual([pattern]),
  );

  it('takes no time, however many stars it has', () => {
    const beganMs = performance.now();
    expect(namingNothing(`downbeat:${'*a'.repeat(480)}`)).toHaveLength(1);
    expect(performance.now() - beganMs).toBeLessThan(1_000);
  });
});
