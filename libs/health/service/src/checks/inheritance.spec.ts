import type { Recorded } from '@downbeat/eventsourcing';
import type { NeedsChanged, Standing } from '@downbeat/health-domain';
import { Inheritance } from './inheritance';
import type { KnownInstance } from './known-instance';

describe('what is inherited', () => {
  const known = new Map<string, KnownInstance>();
  let inheritance: Inheritance;
  beforeEach(() => {
    known.clear();
    inheritance = new Inheritance(known);
  });

  const stands = (service: string, name: string, status?: Standing['status']): KnownInstance => {
    const one = {
      checked: { service_name: service, instance_id: name },
      standing: status && { status, phase: 'readiness' },
    } as unknown as KnownInstance;
    known.set(name, one);
    inheritance.changed(service);
    return one;
  };
  const goes = (service: string, name: string) => {
    known.delete(name);
    inheritance.changed(service);
  };
  const needs = (service_name: string, needed: string, is_critical = false) => {
    const dependencies = [{ service_name: needed, required: true, is_critical }];
    inheritance.learnNeeds({
      data: { service_name, dependencies },
    } as unknown as Recorded<NeedsChanged>);
  };
  const inherited = { origin: 'ledger', path: ['shop', 'ledger'] };

  it('is nothing of a service that needs nobody, or whose needs are met', () => {
    const shop = stands('shop', 'shop-1', 'unhealthy');
    expect(inheritance.of(shop)).toBeUndefined();
    needs('shop', 'ledger');
    expect(inheritance.of(shop)).toBeUndefined();
    stands('ledger', 'ledger-1', 'healthy');
    expect(inheritance.of(shop)).toBeUndefined();
  });

  it.each(['healthy', undefined] as const)(
    'is known when an instance that was %s turns unhealthy, before that is written down',
    (before) => {
      needs('shop', 'ledger');
      stands('ledger', 'ledger-1', 'unhealthy');
      expect(inheritance.of(stands('shop', 'shop-1', before))).toEqual(inherited);
      stands('shop', 'shop-2', 'healthy');
      // Another one works without it.
      expect(inheritance.of(stands('shop', 'shop-1', before))).toBeUndefined();
    },
  );

  it('is seen of what is critical though others work, and of what has no instance left', () => {
    needs('shop', 'ledger', true);
    stands('ledger', 'ledger-1', 'healthy');
    stands('shop', 'shop-2', 'healthy');
    const shop = stands('shop', 'shop-1', 'unhealthy');
    expect(inheritance.of(shop)).toBeUndefined();
    goes('ledger', 'ledger-1');
    expect(inheritance.of(shop)).toEqual(inherited);
    inheritance.forget('ledger');
    expect(inheritance.of(shop)).toBeUndefined();
  });
});
