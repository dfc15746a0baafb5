import type { TripRule } from './breaker-policy';
import { ConsecutiveWire, CountWire } from './counted-wires';
import { WindowWire } from './window-wire';
import type { Tripwire } from './tripwire';

export function wireOf(rule: TripRule): Tripwire {
  switch (rule.kind) {
    case 'consecutive':
      return new ConsecutiveWire(rule);
    case 'count-window':
      return new CountWire(rule);
    case 'time-window':
      return new WindowWire(rule);
    case 'slow-calls':
      return new WindowWire(rule);
  }
}
