import type { JsonObject } from '@downbeat/eventsourcing';
import { isBounded } from './rules-version';
import type { Run } from './state';

/** How deep runs may be steps of runs. */
export const CHILD_DEPTH_MAX = 8;
/** Of a context, as JSON text, under rules that do not bound what a run holds. */
export const CONTEXT_LENGTH_MAX = 262_144;

/** @returns Why the run cannot have a child with this input. */
export function whyNoChild({ started }: Run, input: JsonObject): string | undefined {
  if ((started.parent?.depth ?? 0) >= CHILD_DEPTH_MAX)
    return `workflows are nested deeper than ${CHILD_DEPTH_MAX}`;
  if (isBounded(started)) return undefined;
  const { length } = JSON.stringify(input);
  if (length <= CONTEXT_LENGTH_MAX) return undefined;
  return `input_mapping: has ${length} characters, at most ${CONTEXT_LENGTH_MAX} are allowed`;
}
