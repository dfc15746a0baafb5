import { PAYLOAD_BYTES_MAX } from '@downbeat/contracts';
import { answerStep, answerUndo } from './answers';
import { CONTEXT_LENGTH_MAX } from './child-limits';
import type { CallAnswered, CallResult, ChildEnded, NoteParentTold, Purpose } from './commands';
import type { Draft } from './draft';
import { isBounded } from './rules-version';
import { isUndoing, type Run } from './state';

/** The end of a child answers the step that began it, or its undo; what nobody waits for changes nothing. */
export function childEnded(draft: Draft, { data }: ChildEnded): void {
  const { run } = draft;
  const { step: address, status, attempt, for_parent = true } = data;
  const state = run.steps.get(address);
  if (!state || draft.spotOf(address).step.type !== 'sub_workflow') return;
  const answered = (purpose: Purpose, attempt: number, result: CallResult): CallAnswered => ({
    type: 'CallAnswered',
    at: draft.at,
    chance: 0,
    data: { purpose, step: address, attempt, result, reissued: false },
  });
  if (state.status === 'calling') {
    // The word of an end before it was retried comes late: it will end once more, for this attempt.
    if (attempt !== undefined && attempt !== state.attempt) return;
    return answerStep(draft, answered('step', state.attempt, resultOf(run, data)));
  }
  const undo = isUndoing(run) ? run.compensation?.undo : undefined;
  // What somebody else had undone may be a part of it: it is asked for the rest.
  if (undo?.status === 'calling' && status === 'compensated' && for_parent)
    answerUndo(draft, answered('undo', undo.attempt, { kind: 'ok', output: null }));
}

/** What it did stands only if it completed. */
function resultOf(
  { started }: Run,
  { status, output, oversized, reason = '' }: ChildEnded['data'],
): CallResult {
  if (status !== 'completed')
    return { kind: 'refused', message: `the sub-workflow is ${status}: ${reason}` };
  if (oversized !== undefined) {
    const message = `its context has ${oversized} bytes, at most ${PAYLOAD_BYTES_MAX} are allowed`;
    return { kind: isBounded(started) ? 'oversized' : 'broken', message };
  }
  return isBounded(started) || JSON.stringify(output).length <= CONTEXT_LENGTH_MAX
    ? { kind: 'ok', output }
    : { kind: 'broken', message: `its context is longer than ${CONTEXT_LENGTH_MAX} characters` };
}

export function noteParentTold(draft: Draft, { data: { ends } }: NoteParentTold): void {
  const { run } = draft;
  if (run.started.parent && ends > run.told && ends <= run.ends)
    draft.record({ type: 'ParentTold', data: { ends, at: draft.at } });
}
