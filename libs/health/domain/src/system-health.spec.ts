import fc from 'fast-check';
import type { InstanceCounts } from './instance-counts';
import type { Need } from './service-needs';
import { leavesByItself, systemHealth } from './system-health';

const up: InstanceCounts = { healthy: 2, unhealthy: 0, starting: 0 };
const down: InstanceCounts = { healthy: 0, unhealthy: 2, starting: 0 };
const half: InstanceCounts = { healthy: 1, unhealthy: 1, starting: 0 };
const starting: InstanceCounts = { healthy: 0, unhealthy: 0, starting: 1 };
const lost: InstanceCounts = { healthy: 0, unhealthy: 0, starting: 0 };

type Said = Readonly<Record<string, readonly string[]>>;
/** `!ledger` is critical and required, `?ledger` critical and optional, `ledger` required alone. */
const needOf = (said: string): Need => ({
  service_name: said.replace(/^[!?]/, ''),
  required: !said.startsWith('?'),
  is_critical: /^[!?]/.test(said),
});
const system = (checked: Readonly<Record<string, InstanceCounts>>, needs: Said = {}) =>
  systemHealth({
    checked: new Map(Object.entries(checked)),
    needs: new Map(Object.entries(needs).map(([name, all]) => [name, all.map(needOf)])),
  });
const serviceOf = (seen: ReturnType<typeof system>, name: string) =>
  seen.services.find(({ service_name }) => service_name === name);

describe('the system', () => {
  it('is healthy while nothing says otherwise', () => {
    expect(system({}).status).toBe('healthy');
    expect(system({ a: up, b: up }, { a: ['!b'] }).status).toBe('healthy');
    expect(system({ a: { ...up, starting: 1 } }).status).toBe('healthy');
    expect(system({ a: starting }).status).toBe('healthy');
  });

  it.each([half, down, lost])('is degraded by a service that has %j', (counts) =>
    expect(system({ a: up, b: counts }).status).toBe('degraded'),
  );

  it.each([down, lost, starting])('is critical when a critical service has %j', (counts) =>
    expect(system({ a: up, b: counts }, { a: ['!b'] }).status).toBe('critical'),
  );

  it('is not critical for what nobody fails with', () => {
    for (const need of ['b', '?b'])
      expect(system({ a: up, b: down }, { a: [need] }).status).toBe('degraded');
    expect(system({ a: down, b: up }, { a: ['!b'] }).status).toBe('degraded');
    expect(system({ a: up, b: half }, { a: ['!b'] }).status).toBe('degraded');
  });

  it('says nothing of a service that never had an instance', () => {
    const seen = system({ a: up }, { a: ['!b'], c: [] });
    expect(seen.status).toBe('healthy');
    expect(serviceOf(seen, 'b')).toMatchObject({ status: 'unchecked', isCritical: true });
    expect(serviceOf(seen, 'c')).toMatchObject({ status: 'unchecked', isCritical: false });
  });
});

describe('a service', () => {
  it.each([
    [up, 'healthy'],
    [half, 'degraded'],
    [down, 'unhealthy'],
    [lost, 'unhealthy'],
    [starting, 'starting'],
    [{ healthy: 0, unhealthy: 1, starting: 1 }, 'unhealthy'],
  ])('with %j is %s', (counts, status) =>
    expect(serviceOf(system({ a: counts }), 'a')?.status).toBe(status),
  );
});

describe('a service without instances', () => {
  it.each([
    [lost, ['a'], true],
    [lost, [], undefined],
    [down, ['a'], undefined],
    [starting, ['a'], undefined],
    [up, ['a'], undefined],
  ])('of %j, of which %j left by themselves, is scaled to zero: %s', (counts, left, expected) => {
    const known = { checked: new Map([['a', counts]]), needs: new Map(), left: new Set(left) };
    expect(serviceOf(systemHealth(known), 'a')?.isScaledToZero).toBe(expected);
  });

  it.each([
    ['deregistered', true],
    ['the night is over', true],
    ['heartbeat-expired', false],
    ['session-closed', false],
    ['never-healthy', false],
  ])('that ended with %s left by themselves: %s', (reason, expected) =>
    expect(leavesByItself(reason)).toBe(expected),
  );
});

describe('a failure', () => {
  it('is inherited, whatever its own checks say, from what is critical and required alone', () => {
    const inherits = (need: string) =>
      serviceOf(system({ a: up, b: down }, { a: [need] }), 'a')?.inheritedPath;
    expect(inherits('!b')).toEqual(['a', 'b']);
    expect(inherits('b')).toBeUndefined();
    expect(inherits('?b')).toBeUndefined();
  });

  it('is inherited from what is required, by a service none of whose instances works', () => {
    const inherits = (counts: InstanceCounts, need: string) =>
      serviceOf(system({ a: counts, b: down }, { a: [need] }), 'a')?.inheritedPath;
    expect(inherits(down, 'b')).toEqual(['a', 'b']);
    // Some of its instances work without it; nobody asked them yet; there is none that could fail.
    for (const counts of [half, starting, lost]) expect(inherits(counts, 'b')).toBeUndefined();
    expect(inherits(down, '?b')).toBeUndefined();
    const through = system({ a: down, b: down, c: down }, { a: ['b'], b: ['c'] });
    expect(serviceOf(through, 'a')?.inheritedPath).toEqual(['a', 'b', 'c']);
    expect(through.status).toBe('degraded');
  });

  it('is the own one of where it began', () => {
    const seen = system({ a: down, b: down, c: down }, { a: ['!b'], b: ['!c'] });
    expect(seen.services.map((one) => [one.service_name, one.inheritedPath])).toEqual([
      ['c', undefined],
      ['b', ['b', 'c']],
      ['a', ['a', 'b', 'c']],
    ]);
  });

  it('goes through services whose own checks see nothing of it', () =>
    expect(
      serviceOf(system({ a: down, b: up, c: down }, { a: ['!b'], b: ['!c'] }), 'a')?.inheritedPath,
    ).toEqual(['a', 'b', 'c']));

  it('is not inherited from what works in part, or is not checked', () => {
    const seen = system({ a: down, b: half }, { a: ['!b', '!unchecked'] });
    expect(serviceOf(seen, 'a')).not.toHaveProperty('inheritedPath');
  });

  it('is told by the shortest way', () => {
    const needs = { a: ['!b', '!d'], b: ['!c'], c: ['!e'], d: ['!e'] };
    const seen = system({ a: up, b: up, c: up, d: up, e: down }, needs);
    expect(serviceOf(seen, 'a')?.inheritedPath).toEqual(['a', 'd', 'e']);
  });

  it('that seems to go round in a circle has an end', () => {
    const seen = system({ a: down, b: down }, { a: ['!b'], b: ['!a'] });
    for (const { inheritedPath = [] } of seen.services)
      expect(new Set(inheritedPath).size).toBe(inheritedPath.length);
  });

  it('ends, wherever it is inherited, in a service that is down and inherits nothing', () =>
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(up, down, half, lost), { minLength: 2, maxLength: 12 }),
        fc.array(fc.tuple(fc.nat(11), fc.nat(11), fc.constantFrom('!', '')), { maxLength: 40 }),
        (counts, edges) => {
          const checked = Object.fromEntries(counts.map((one, n) => [`s${n}`, one]));
          const needs: Record<string, string[]> = {};
          for (const [a, b, kind] of edges)
            if (a < b && b < counts.length) (needs[`s${a}`] ??= []).push(`${kind}s${b}`);
          const seen = system(checked, needs);
          for (const { service_name, inheritedPath } of seen.services) {
            if (!inheritedPath) continue;
            const origin = serviceOf(seen, inheritedPath.at(-1) ?? '');
            expect(inheritedPath[0]).toBe(service_name);
            expect(origin).toMatchObject({ healthy: 0 });
            expect(origin).not.toHaveProperty('inheritedPath');
            inheritedPath.slice(1).forEach((name, at) => {
              const from = inheritedPath[at] ?? '';
              const kinds = (needs[from] ?? []).filter((need) => need.replace('!', '') === name);
              expect(kinds).not.toEqual([]);
              const isDown = checked[from]?.healthy === 0 && checked[from].unhealthy > 0;
              expect(isDown || kinds.includes(`!${name}`)).toBe(true);
            });
          }
        },
      ),
    ));
});
