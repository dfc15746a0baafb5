import type { JsonObject } from '@downbeat/eventsourcing';
import type { Generated } from '../definitions/generated-definition';

/** One run that somebody wants. */
export interface Run {
  readonly correlationId: string;
  readonly definition: Generated;
  readonly startData: JsonObject;
}
