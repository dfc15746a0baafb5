import { jsonBytes, PAYLOAD_BYTES_MAX } from '@downbeat/contracts';
import type { Json } from '@downbeat/eventsourcing';
import type { Draft } from './draft';
import { isBounded } from './rules-version';
import type { Run } from './state';

/**
 * What the events of a run may take together, as JSON text in UTF-8; its context is made of them and is
 * never more. What undoes it is not held up by this, and a group that is done may repeat what was
 * collected in it: so twice as much is never reached by what goes forward.
 */
export const RUN_BYTES_MAX = 16_000_000;

/**
 * @param pieces What would be recorded, each under a name that begins a sentence.
 * @returns Why they cannot be; undefined when there is room for all of them.
 */
export function whyTooLarge(
  { run }: Draft,
  pieces: Readonly<Record<string, Json>>,
): string | undefined {
  if (!isBounded(run.started)) return undefined;
  let more = 0;
  for (const [name, piece] of Object.entries(pieces)) {
    const refusal = whyOversized(run, name, piece);
    if (refusal !== undefined) return refusal;
    more += jsonBytes(piece);
  }
  const names = Object.keys(pieces).join(' and ');
  return run.bytes + more <= RUN_BYTES_MAX
    ? undefined
    : `${names}: the run has ${run.bytes} bytes of events, with ${more} more it would have over ${RUN_BYTES_MAX}`;
}

/** The same of one piece by itself, whatever the run holds already. */
export function whyOversized({ started }: Run, name: string, piece: Json): string | undefined {
  if (!isBounded(started)) return undefined;
  const bytes = jsonBytes(piece);
  return bytes <= PAYLOAD_BYTES_MAX
    ? undefined
    : `${name} has ${bytes} bytes, at most ${PAYLOAD_BYTES_MAX} are allowed`;
}
