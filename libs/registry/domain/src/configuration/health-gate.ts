import type { registryContract } from '@downbeat/contracts';

/** What has to hold for a while after an activation, with nothing left out. */
export type HealthGate = Required<{
  readonly [Field in keyof registryContract.SaidHealthGate]-?: number;
}>;

export const gateOf = (said: registryContract.SaidHealthGate): HealthGate => ({
  observe_seconds: said.observe_seconds,
  unhealthy_max_percent: said.unhealthy_max_percent ?? 0,
  refused_max: said.refused_max ?? 0,
  applied_min_percent: said.applied_min_percent ?? 0,
});

/** What was seen of the service's instances, up to a moment. */
export interface GateEvidence {
  /** For how long they could be seen. */
  readonly observed_ms: number;
  readonly instances: number;
  /** Those that became so, or were lost, since it was put in force. */
  readonly unhealthy: number;
  /** Those that were so before it, and have neither been well nor started anew since. */
  readonly unhealthy_before?: number;
  readonly applied: number;
  readonly refused: number;
  /** Some of those that refused it, and why. */
  readonly refusals: readonly { readonly instance_id: string; readonly reason?: string }[];
}

export type Verdict =
  | { readonly is: 'open' }
  | { readonly is: 'passed' }
  | { readonly is: 'failed'; readonly because: string };

/**
 * What a gate says to what was seen. It fails at once, and passes only when its time is over. A service
 * without instances has nobody who could be harmed. Who was unhealthy before does not speak against it,
 * unless in the end nobody at all is well with it: then nothing speaks for it either.
 */
export function judge(gate: HealthGate, evidence: GateEvidence): Verdict {
  const { instances, unhealthy, unhealthy_before = 0, applied, refused } = evidence;
  const witnesses = instances - unhealthy_before;
  if (refused > gate.refused_max) return failed(refusalsOf(evidence, gate));
  if (percent(unhealthy, witnesses) > gate.unhealthy_max_percent)
    return failed(
      `unhealthy are ${share(unhealthy, witnesses)}${besides(unhealthy_before)}, more than ${gate.unhealthy_max_percent} %`,
    );
  if (evidence.observed_ms < gate.observe_seconds * 1_000) return { is: 'open' };
  if (instances > 0 && percent(applied, instances) < gate.applied_min_percent)
    return failed(
      `after ${gate.observe_seconds} s it runs on ${share(applied, instances)}, less than ${gate.applied_min_percent} %`,
    );
  const isBearable = gate.unhealthy_max_percent === 100;
  if (unhealthy_before > 0 && witnesses === 0 && applied > 0 && !isBearable)
    return failed(
      `after ${gate.observe_seconds} s nobody is well with it: it runs on ${share(applied, instances)}, and those that were unhealthy before still are`,
    );
  return { is: 'passed' };
}

function refusalsOf({ refused, refusals }: GateEvidence, { refused_max }: HealthGate): string {
  const [first] = refusals;
  const named = first ? `: ${first.instance_id}${first.reason ? ` (${first.reason})` : ''}` : '';
  const who = refused === 1 ? 'an instance refused it' : `${refused} instances refused it`;
  return `${who}${refused_max === 0 ? '' : `, more than ${refused_max}`}${named}`;
}

const besides = (before: number): string =>
  before === 0 ? '' : `, besides ${before} unhealthy before it`;

const failed = (because: string): Verdict => ({ is: 'failed', because });

const percent = (part: number, whole: number): number => (whole === 0 ? 0 : (part / whole) * 100);

const share = (part: number, whole: number): string =>
  `${part} of ${whole} ${whole === 1 ? 'instance' : 'instances'} (${Math.round(percent(part, whole))} %)`;
