import { OutlierPolicy } from './outlier-ejection';
import { SlowStart } from './slow-start';
import { StrategyName } from './strategies/strategy-of';

export interface BalancerPolicy {
  readonly strategy: StrategyName;
  /** The caller's own zone: its endpoints come first within a priority. undefined: zones are equal. */
  readonly zone: string | undefined;
  /** A tier whose eligible share is below this hands the rest of its calls on; above 0, at most 1. */
  readonly spillBelowShare: number;
  /** A tier whose eligible share is below this, while others cannot help, uses all; 0: never. */
  readonly panicBelowShare: number;
  readonly slowStart: SlowStart | undefined;
  readonly outliers: OutlierPolicy | undefined;
  /** How many keys are remembered with their endpoints; 0: keys do not stick. */
  readonly stickyKeysMax: number;
  /** `consistent-hash`: nobody has more than so many times the average; above 1. */
  readonly hashBound: number;
  /** After this time what was learnt of latency and success counts 1/e. */
  readonly decayMs: number;
}

/** Envoy's numbers where it has them, except that half, not a tenth, of few instances may be ejected. */
export const BALANCER_POLICY: BalancerPolicy = {
  strategy: 'two-choices',
  zone: undefined,
  spillBelowShare: 0.7,
  panicBelowShare: 0.5,
  slowStart: { windowMs: 30_000, aggression: 1, shareMin: 0.1 },
  outliers: {
    failuresInRowMax: 5,
    intervalMs: 10_000,
    callsMin: 100,
    endpointsMin: 5,
    deviations: 1.9,
    gapMin: 0.05,
    ejectMs: 30_000,
    ejectMaxMs: 300_000,
    ejectedShareMax: 0.5,
  },
  stickyKeysMax: 0,
  hashBound: 1.25,
  decayMs: 10_000,
};

/** @throws {RangeError} A number is outside of its bounds. */
export function checkPolicy(policy: BalancerPolicy): void {
  const { slowStart, outliers } = policy;
  const bounds: readonly (readonly [string, boolean])[] = [
    ['spillBelowShare', policy.spillBelowShare > 0 && policy.spillBelowShare <= 1],
    ['panicBelowShare', policy.panicBelowShare >= 0 && policy.panicBelowShare <= 1],
    ['stickyKeysMax', policy.stickyKeysMax === 0 || policy.stickyKeysMax >= 2],
    ['hashBound', policy.hashBound > 1],
    ['decayMs', policy.decayMs > 0],
    ['slowStart.windowMs', !slowStart || slowStart.windowMs > 0],
    ['slowStart.aggression', !slowStart || slowStart.aggression > 0],
    ['slowStart.shareMin', !slowStart || (slowStart.shareMin > 0 && slowStart.shareMin <= 1)],
    ['outliers.failuresInRowMax', !outliers || outliers.failuresInRowMax >= 1],
    ['outliers.intervalMs', !outliers || outliers.intervalMs > 0],
    ['outliers.gapMin', !outliers || (outliers.gapMin >= 0 && outliers.gapMin <= 1)],
    ['outliers.ejectMs', !outliers || outliers.ejectMs > 0],
    [
      'outliers.ejectedShareMax',
      !outliers || (outliers.ejectedShareMax >= 0 && outliers.ejectedShareMax <= 1),
    ],
  ];
  for (const [name, isWithin] of bounds)
    if (!isWithin) throw new RangeError(`${name} is out of bounds`);
}
