import type { TripRule } from './breaker-policy';
import { ConsecutiveWire, CountWire } from './counted-wires';
import { SlowWire, TimeWire } from './timed-wires';
import type { Tripwire } from './tripwire';

export function wireOf(rule: TripRule): Tripwire {
  switch (rule.kind) {
    case 'consecutive':
      return new ConsecutiveWire(rule);
    case 'count-window':
      return new CountWire(rule);
    case 'time-window':
      return new TimeWire(rule);
    case 'slow-calls':
      return new SlowWire(rule);
  }
}
