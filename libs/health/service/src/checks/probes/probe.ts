import { EgressBusy } from '@downbeat/egress';
import { Fault } from '@downbeat/eventsourcing';
import type { CheckRequest, CheckResult } from '@downbeat/health-domain';

const DETAIL_CHARS_MAX = 300;

/**
 * Asks an instance one question. Undefined: it could not be asked for reasons that are ours, which
 * says nothing about the instance.
 */
export interface Probe {
  run(request: CheckRequest, timeoutMs: number): Promise<CheckResult | undefined>;
}

/** What a check that broke says. @throws What no fault of the way to the instance explains. */
export function failedBy(fault: unknown): CheckResult | undefined {
  if (!(fault instanceof Fault)) throw fault;
  // Our own limit, and not theirs.
  if (fault instanceof EgressBusy) return undefined;
  return { isPassed: false, detail: fault.message.slice(0, DETAIL_CHARS_MAX) };
}
