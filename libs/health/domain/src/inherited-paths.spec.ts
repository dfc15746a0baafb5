import fc from 'fast-check';
import { InheritedPaths } from './inherited-paths';
import type { InstanceCounts } from './instance-counts';
import { NeedsGraph } from './needs-graph';
import type { Need } from './service-needs';

const up: InstanceCounts = { healthy: 2, unhealthy: 0, starting: 0 };
const down: InstanceCounts = { healthy: 0, unhealthy: 2, starting: 0 };
const lost: InstanceCounts = { healthy: 0, unhealthy: 0, starting: 0 };

const needing = (service_name: string, is_critical = false): Need => ({
  service_name,
  required: true,
  is_critical,
});

/** A system that changes, what is kept of it, and whom it was asked about. */
function stage() {
  const counts = new Map<string, InstanceCounts>();
  const graph = new NeedsGraph();
  const asked: string[] = [];
  const system = {
    countsOf: (service: string) => counts.get(service),
    needsOf: (service: string) => graph.needsOf(service),
  };
  const paths = new InheritedPaths({
    ...system,
    needsOf: (service) => {
      asked.push(service);
      return graph.needsOf(service);
    },
  });
  const forget = (service: string) => paths.forget(service, (one) => graph.dependentsOf(one));
  return {
    asked,
    paths,
    /** As if nothing was kept. */
    anew: (service: string, as?: InstanceCounts) => new InheritedPaths(system).of(service, as),
    stands: (service: string, now: InstanceCounts | undefined) => {
      if (now) counts.set(service, now);
      else counts.delete(service);
      forget(service);
    },
    needs: (service: string, needs: readonly Need[]) => {
      forget(service);
      graph.set(service, needs);
    },
  };
}

describe('paths that are kept', () => {
  it('are searched once, and again only for those who fail with the one that changed', () => {
    const { asked, paths, stands, needs } = stage();
    const names = Array.from({ length: 1_000 }, (_, n) => `s${n}`);
    names.forEach((name, n) => {
      stands(name, up);
      if (n % 10 > 0) needs(name, [needing(`s${n - 1}`, true)]);
    });
    const all = () => names.filter((name) => paths.of(name) !== undefined);
    expect(all()).toEqual([]);
    expect(asked.splice(0)).toHaveLength(1_000);
    stands('s507', down);
    expect(all()).toEqual(['s508', 's509']);
    expect(new Set(asked.splice(0))).toEqual(new Set(['s507', 's508', 's509']));
    stands('s9', down);
    expect(all()).toEqual(['s508', 's509']);
    expect(asked).toEqual(['s9']);
  });

  it('are those of how it stands, when somebody asked how it would be otherwise', () => {
    const { paths, stands, needs } = stage();
    needs('shop', [needing('ledger')]);
    stands('ledger', lost);
    stands('shop', up);
    expect(paths.of('shop', down)).toEqual(['shop', 'ledger']);
    expect(paths.of('shop')).toBeUndefined();
    expect(paths.of('shop', down)).toEqual(['shop', 'ledger']);
  });

  const service = fc.nat(4).map((n) => `s${n}`);
  const standing = fc.constantFrom(up, down, lost, undefined);
  const need = fc.record({
    service_name: service,
    required: fc.constantFrom(true, true, true, false),
    is_critical: fc.boolean(),
  });
  const change = fc.oneof(
    fc.record({ service, stands: standing }),
    fc.record({ service, needs: fc.array(need, { maxLength: 4 }) }),
    fc.record({ service, asks: fc.constant(true) }),
  );

  it('are those that would be found anew, whatever changes, also while needs go round in a circle', () =>
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
        const { paths, anew, stands, needs } = stage();
        for (const one of changes) {
          if ('stands' in one) stands(one.service, one.stands);
          else if ('needs' in one) needs(one.service, one.needs);
          else expect(paths.of(one.service)).toEqual(anew(one.service));
        }
        for (let n = 0; n < 5; n++) {
          const path = paths.of(`s${n}`);
          expect(path).toEqual(anew(`s${n}`));
          expect(new Set(path).size).toBe(path?.length ?? 0);
        }
      }),
      { numRuns: 1_000 },
    ));
});
