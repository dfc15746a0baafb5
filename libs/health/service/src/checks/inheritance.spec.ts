import type { Recorded } from '@downbeat/eventsourcing';
import {
  InheritedPaths,
  isToBlame,
  type CheckedStatus,
  type Need,
  type NeedsChanged,
  type Standing,
} from '@downbeat/health-domain';
import fc from 'fast-check';
import { Inheritance } from './inheritance';
import type { KnownInstance } from './known-instance';

const INTERVAL_MS = 1_000;
/** Everything happens at once, unless somebody says when. */
const NOW = 60_000;

/** Instances that come, stand otherwise and go, and what is kept of their services. */
function stage() {
  const known = new Map<string, KnownInstance>();
  const inheritance = new Inheritance();
  const stands = (
    service: string,
    name: string,
    status?: Standing['status'],
    atMs = NOW,
  ): KnownInstance => {
    const standing = status && { status, phase: 'readiness' as const };
    const before = known.get(name);
    if (before) {
      before.standing = standing;
      inheritance.stands(before, atMs);
      return before;
    }
    const one = { checked: { service_name: service, instance_id: name } } as KnownInstance;
    one.standing = standing;
    known.set(name, one);
    inheritance.came(one, atMs);
    return one;
  };
  const goes = (name: string, atMs = NOW) => {
    const one = known.get(name);
    known.delete(name);
    if (one) inheritance.left(one, atMs);
  };
  const needsAll = (service_name: string, dependencies: readonly Need[]) =>
    inheritance.learnNeeds({
      data: { service_name, dependencies },
    } as unknown as Recorded<NeedsChanged>);
  const needs = (service: string, needed: string, is_critical = false) =>
    needsAll(service, [{ service_name: needed, required: true, is_critical }]);
  const of = (one: KnownInstance, unhealthySinceMs = NOW) =>
    inheritance.of(one, { unhealthySinceMs, intervalMs: INTERVAL_MS });
  return { known, inheritance, stands, goes, needs, needsAll, of };
}

const inherited = { origin: 'ledger', path: ['shop', 'ledger'], isToBlame: true };

describe('what is inherited', () => {
  it('is nothing of a service that needs nobody, or whose needs are met', () => {
    const { stands, needs, of } = stage();
    const shop = stands('shop', 'shop-1', 'unhealthy');
    expect(of(shop)).toBeUndefined();
    needs('shop', 'ledger');
    expect(of(shop)).toBeUndefined();
    stands('ledger', 'ledger-1', 'healthy');
    expect(of(shop)).toBeUndefined();
  });

  it.each(['healthy', undefined] as const)(
    'is known when an instance that was %s turns unhealthy, before that is written down',
    (before) => {
      const { stands, needs, of } = stage();
      needs('shop', 'ledger');
      stands('ledger', 'ledger-1', 'unhealthy');
      expect(of(stands('shop', 'shop-1', before))).toEqual(inherited);
      stands('shop', 'shop-2', 'healthy');
      // Another one works without it.
      expect(of(stands('shop', 'shop-1', before))).toBeUndefined();
    },
  );

  it('is seen of what is critical though others work, and of what has no instance left', () => {
    const { inheritance, stands, goes, needs, of } = stage();
    needs('shop', 'ledger', true);
    stands('ledger', 'ledger-1', 'healthy');
    stands('shop', 'shop-2', 'healthy');
    const shop = stands('shop', 'shop-1', 'unhealthy');
    expect(of(shop)).toBeUndefined();
    goes('ledger-1');
    expect(of(shop)).toEqual(inherited);
    inheritance.forget('ledger');
    expect(of(shop)).toBeUndefined();
  });

  it('is not waited for any more of what is retired, though its last instance goes later', () => {
    const { inheritance, stands, goes, needs, of } = stage();
    needs('shop', 'ledger');
    stands('ledger', 'ledger-1', 'unhealthy');
    const shop = stands('shop', 'shop-1', 'unhealthy');
    inheritance.forget('ledger');
    goes('ledger-1');
    expect(of(shop)).toBeUndefined();
    stands('ledger', 'ledger-2', 'unhealthy');
    expect(of(shop)).toEqual(inherited);
  });

  it('does not count what has left, whoever still speaks of it', () => {
    const { inheritance, stands, goes, needs, of } = stage();
    needs('shop', 'ledger');
    stands('ledger', 'ledger-1', 'unhealthy');
    const late = stands('ledger', 'ledger-2', 'healthy');
    const shop = stands('shop', 'shop-1', 'unhealthy');
    goes('ledger-2');
    late.standing = { status: 'healthy', phase: 'readiness' };
    inheritance.stands(late, NOW);
    inheritance.left(late, NOW);
    expect(of(shop)).toEqual(inherited);
  });

  it.each([
    ['long before it fell', 10_000, true],
    ['within the same interval', NOW + INTERVAL_MS, true],
    ['later', NOW + INTERVAL_MS + 1, false],
  ])('is why it fails when the other one lost its last instance %s', (_, atMs, expected) => {
    const { stands, goes, needs, of } = stage();
    needs('shop', 'ledger');
    stands('ledger', 'ledger-1', 'healthy', 0);
    const shop = stands('shop', 'shop-1', 'unhealthy');
    goes('ledger-1', atMs);
    expect(of(shop)).toEqual({ ...inherited, isToBlame: expected });
    // What comes and goes while none is healthy is no new fall.
    stands('ledger', 'ledger-2', undefined, NOW + 90_000);
    goes('ledger-2', NOW + 95_000);
    expect(of(shop)).toEqual({ ...inherited, isToBlame: expected });
    stands('ledger', 'ledger-3', 'unhealthy', NOW + 99_000);
    expect(of(shop)).toEqual(inherited);
  });

  it('is why it fails when anybody on the way fails, though the origin fell later', () => {
    const { stands, goes, needs, of } = stage();
    needs('shop', 'billing');
    needs('billing', 'ledger');
    stands('ledger', 'ledger-1', 'healthy', 0);
    const billing = stands('billing', 'billing-1', 'unhealthy');
    const shop = stands('shop', 'shop-1', 'unhealthy');
    goes('ledger-1', NOW + 30_000);
    expect(of(billing)).toMatchObject({ origin: 'ledger', isToBlame: false });
    expect(of(shop)).toMatchObject({ origin: 'ledger', isToBlame: true });
  });
});

describe('what is kept of all services', () => {
  const SERVICES = 4;
  const service = fc.nat(SERVICES - 1);
  const instance = fc.nat(SERVICES * 2 - 1);
  const status = fc.constantFrom<CheckedStatus>('healthy', 'unhealthy', 'starting');
  const change = fc.oneof(
    { weight: 3, arbitrary: fc.record({ instance, status, atMs: fc.nat(9_000) }) },
    fc.record({ instance, goesAtMs: fc.nat(9_000) }),
    {
      weight: 3,
      arbitrary: fc.record({
        service,
        // Needs lead to services of a lower number: the registry lets none go round in a circle.
        needs: fc.array(fc.tuple(service, fc.constantFrom(true, true, false), fc.boolean()), {
          maxLength: 3,
        }),
      }),
    },
    fc.record({ retired: service }),
  );
  const nameOf = (n: number) => `s${n % SERVICES}`;

  it('is what counting all instances anew would give, whatever changes', () =>
    fc.assert(
      fc.property(fc.array(change, { minLength: 30, maxLength: 80 }), (changes) => {
        const { known, inheritance, stands, goes, needsAll, of } = stage();
        const declared = new Map<string, readonly Need[]>();
        /** Since when each service that has had an instance has no healthy one; undefined: it has. */
        const downSince = new Map<string, number | undefined>();
        const all = (name: string) =>
          [...known.values()].filter(({ checked }) => checked.service_name === name);
        const retired = new Set<string>();
        const countsOf = (name: string, except?: KnownInstance) => {
          if (!downSince.has(name) || retired.has(name)) return undefined;
          const counts = { healthy: 0, unhealthy: 0, starting: 0 };
          for (const one of all(name))
            counts[one === except ? 'unhealthy' : (one.standing?.status ?? 'starting')]++;
          return { ...counts, downSinceMs: downSince.get(name) };
        };
        const fellAt = (name: string, atMs: number) => {
          const isUp = all(name).some(({ standing }) => standing?.status === 'healthy');
          downSince.set(name, isUp ? undefined : (downSince.get(name) ?? atMs));
        };
        const forgetIfGone = (name: string) => {
          if (retired.has(name) && all(name).length === 0) downSince.delete(name);
        };
        const anew = (one: KnownInstance, unhealthySinceMs: number) => {
          const paths = new InheritedPaths({
            countsOf: (name) => countsOf(name, one),
            needsOf: (name) => declared.get(name) ?? [],
          });
          const path = paths.of(one.checked.service_name);
          const failing = { unhealthySinceMs, intervalMs: INTERVAL_MS };
          return (
            path && {
              origin: path.at(-1),
              path,
              isToBlame: path.slice(1).some((name) => isToBlame(countsOf(name), failing)),
            }
          );
        };
        const isSame = () => {
          const asked = [...known.values()].flatMap((one) => [0, 4_500].map((at) => ({ one, at })));
          const kept = JSON.stringify(asked.map(({ one, at }) => of(one, at)));
          // Compared as text: making sense of a difference is dear, and asked for once.
          if (kept !== JSON.stringify(asked.map(({ one, at }) => anew(one, at))))
            expect(asked.map(({ one, at }) => of(one, at))).toEqual(
              asked.map(({ one, at }) => anew(one, at)),
            );
        };
        for (const one of changes) {
          if ('status' in one) {
            const name = nameOf(one.instance);
            if (!known.has(`i${one.instance}`)) retired.delete(name);
            stands(name, `i${one.instance}`, one.status, one.atMs);
            fellAt(name, one.atMs);
          } else if ('goesAtMs' in one) {
            const name = nameOf(one.instance);
            const isThere = known.has(`i${one.instance}`);
            goes(`i${one.instance}`, one.goesAtMs);
            if (isThere) fellAt(name, one.goesAtMs);
            forgetIfGone(name);
          } else if ('needs' in one) {
            const needs = one.needs
              .filter(([needed]) => needed < one.service)
              .map(([n, required, is_critical]) => ({
                service_name: nameOf(n),
                required,
                is_critical,
              }));
            needsAll(nameOf(one.service), needs);
            declared.set(nameOf(one.service), needs);
          } else {
            const name = nameOf(one.retired);
            inheritance.forget(name);
            declared.delete(name);
            retired.add(name);
            forgetIfGone(name);
          }
          isSame();
        }
      }),
      { numRuns: 200 },
    ));
});
