import { z } from 'zod';
import * as f from '../fields';
import { callTarget, endpointPattern } from './breaker-fields';

const counted = z.number().int().min(0).max(1_000_000);

/** Core NATS: what one instance of a service saw of those it calls, for the other instances. */
export const breakerEvidenceSubject = (serviceName: string): string =>
  `hint.breakers.${serviceName}`;

/** Breakers of which one message tells at most; those with the most failures come first. */
export const EVIDENCE_MAX = 200;

/** Calls that ended since the instance told last. */
export const breakerEvidence = z.strictObject({
  /** Whose breakers these are: one process. */
  holder: f.externalId,
  seen: z
    .array(
      z.strictObject({
        target_service: callTarget,
        endpoint_pattern: endpointPattern,
        calls: counted,
        failures: counted,
        slow: counted,
      }),
    )
    .max(EVIDENCE_MAX),
});
export type BreakerEvidence = z.output<typeof breakerEvidence>;
