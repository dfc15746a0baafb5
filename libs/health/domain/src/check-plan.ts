import type { registryContract } from '@downbeat/contracts';
import { requestOf, type Check, type CheckRequest } from './check-request';
import type { Thresholds } from './thresholds';

export type Phase = registryContract.CheckPhase;

const STARTUP_TIMEOUT_MS = 60_000;
const JITTER = 0.1;

/** What is asked in one phase, and how often. */
export interface PhasePlan extends Thresholds {
  readonly request: CheckRequest;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Share of the interval that is left to chance. */
  readonly jitter: number;
}

/** All that is asked of one instance. */
export interface CheckPlan {
  readonly startup?: PhasePlan;
  /** From the registration until the startup check must have passed. */
  readonly startupTimeoutMs: number;
  readonly liveness?: PhasePlan;
  readonly readiness: PhasePlan;
  /** False: one check, of which nobody says what it is about. */
  readonly isPhased: boolean;
}

/** A phase says what is special about it; the rest is as in the check around it. */
export function planOf(check: Check): CheckPlan {
  const { startup, liveness, readiness } = check;
  return {
    ...(startup && { startup: phaseOf(check, startup) }),
    startupTimeoutMs: startup?.startup_timeout_ms ?? STARTUP_TIMEOUT_MS,
    ...(liveness && { liveness: phaseOf(check, liveness) }),
    readiness: phaseOf(check, readiness ?? {}),
    isPhased: [startup, liveness, readiness].some((phase) => phase !== undefined),
  };
}

type Said = NonNullable<Check['readiness']> | NonNullable<Check['startup']>;

function phaseOf(check: Check, said: Said): PhasePlan {
  const asked = { ...check, ...said };
  const url = said.endpoint === undefined ? check.url : withPath(check.url, said.endpoint);
  return {
    request: requestOf(asked, { url, subject: check.subject }),
    intervalMs: asked.interval_ms ?? check.interval_ms,
    timeoutMs: asked.timeout_ms ?? check.timeout_ms,
    jitter: asked.jitter ?? JITTER,
    failure_threshold: asked.failure_threshold ?? check.failure_threshold,
    success_threshold: asked.success_threshold ?? check.success_threshold,
  };
}

const PATH = /^(https?:\/\/[^/]+).*$/;

export const withPath = (url: string, path: string): string =>
  url.replace(PATH, (_, origin: string) => `${origin}${path}`);
