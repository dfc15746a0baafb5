import { ConsistentHash } from './consistent-hash';
import { adaptiveCost, peakEwmaCost } from './costs';
import { LeastConnections } from './least-connections';
import { RandomChoice } from './random';
import { RoundRobin, WeightedRoundRobin } from './round-robin';
import { Strategy } from './strategy';
import { TwoChoices } from './two-choices';

export type StrategyName =
  | 'round-robin'
  | 'weighted-round-robin'
  | 'least-connections'
  | 'random'
  | 'two-choices'
  | 'consistent-hash'
  | 'adaptive';

/** @param hashBound See `ConsistentHash`. @param chance From 0, below 1. */
export function strategyOf(name: StrategyName, hashBound: number, chance: () => number): Strategy {
  switch (name) {
    case 'round-robin':
      return new RoundRobin();
    case 'weighted-round-robin':
      return new WeightedRoundRobin();
    case 'least-connections':
      return new LeastConnections();
    case 'random':
      return new RandomChoice(chance);
    case 'two-choices':
      return new TwoChoices(peakEwmaCost, chance);
    case 'consistent-hash':
      return new ConsistentHash(hashBound, chance);
    case 'adaptive':
      return new TwoChoices(adaptiveCost, chance);
  }
}
