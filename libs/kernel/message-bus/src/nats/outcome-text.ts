import type { CommandOutcome, Problem } from '../command-outcome';
import { oneLine } from '../one-line';

/** Where a command stood, as JetStream's own acknowledgement would say it. */
export interface StoredAt {
  readonly stream: string;
  readonly sequence: number;
}

const STATUS: Readonly<Record<Problem['kind'], number>> = {
  invalid: 400,
  'not-found': 404,
  gone: 410,
  conflict: 409,
  internal: 500,
  unavailable: 503,
};

/**
 * An outcome as JSON that is a JetStream PubAck at the same time, or a PubAck error when the command
 * was refused: a client's `js.publish()` then resolves when the command is committed, not when it
 * is stored.
 */
export function outcomeText(outcome: CommandOutcome, { stream, sequence }: StoredAt): string {
  if (outcome.accepted)
    return JSON.stringify({ ...outcome, stream, seq: sequence, duplicate: outcome.repeated });
  const { kind, code, message } = outcome.problem;
  const error = { code: STATUS[kind], description: oneLine(`${code}: ${message}`) };
  return JSON.stringify({ ...outcome, error });
}

/** What whoever asks for the second time is told. */
export const asRepeated = (outcome: CommandOutcome): CommandOutcome =>
  outcome.accepted ? { ...outcome, repeated: true } : outcome;

/** The outcome in such a text; undefined for anything else (a stream's plain acknowledgement). */
export function outcomeFrom(text: string): CommandOutcome | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (fault) {
    if (fault instanceof SyntaxError) return undefined;
    throw fault;
  }
  if (parsed === null || typeof parsed !== 'object' || !('accepted' in parsed)) return undefined;
  const said = parsed as CommandOutcome;
  if (!said.accepted) return { accepted: false, problem: said.problem };
  const { position, answer, repeated } = said;
  return { accepted: true, position, answer, repeated };
}
