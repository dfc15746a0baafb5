import type { Json } from '@downbeat/eventsourcing';
import type { Books } from '../world/books';
import type { History } from './history';
import { nameAt } from './places';

/**
 * What is wrong with requests after an edit of the context: what failed for sure is asked for anew,
 * under another key; what is in doubt never is. Only edits change the context's `count`, which calls have
 * in their input as `n`.
 */
export function editsAccountOf(
  correlationId: string,
  history: History,
  books: Books,
): readonly string[] {
  const wrongs: string[] = [];
  const inputs = new Map<string, Json | undefined>();
  const doubtful = new Set<string>();
  const editions = new Map<string, number[]>();
  const undoEditions = new Map<string, number[]>();
  /** Under way when the run has migrated: it stays what it is, its retries included. */
  const kept = new Set<string>();
  const open = new Set<string>();
  let definition = history.first;
  let count: Json | undefined;
  let run = '';
  const readsCount = (step: string): boolean => {
    const compiled = definition.steps.get(nameAt(step));
    const isCall = compiled?.type === 'service_call';
    return isCall && compiled.call.input.fields.some(({ key }) => key === 'n');
  };
  for (const event of history.events) {
    const { type, data } = event;
    definition = history.behind(event, definition);
    if (type === 'WorkflowMigrated') for (const step of open) kept.add(step);
    if (type === 'WorkflowMigrated') for (const step of data.anew ?? []) kept.delete(step);
    if (type === 'StepStarted' || type === 'StepRetried') open.add(data.step);
    if (type === 'StepCompleted' || type === 'StepFailed') open.delete(data.step);
    if (type === 'StepFailed') kept.delete(data.step);
    if (type === 'UndoStarted' && data.edition === data.attempt)
      undoEditions.set(data.step, [...(undoEditions.get(data.step) ?? []), data.attempt]);
    if (type === 'WorkflowStarted') [run, count] = [data.workflow_id, data.context_data['count']];
    if (type === 'RunRetried') count = data.context_patch?.['count'] ?? count;
    if (type === 'StepAttemptFailed' && data.outcome === 'unknown') doubtful.add(data.step);
    if (type === 'CallHeld' && data.purpose === 'step' && data.reissued) doubtful.add(data.step);
    // It has had its effect, whatever later calls say.
    if (type === 'StepFailed' && data.outcome === 'unusable') doubtful.add(data.step);
    if (type === 'StepStarted') inputs.set(data.step, data.input['n']);
    if (type === 'StepRetried' && data.input) {
      inputs.set(data.step, data.input['n']);
      editions.set(data.step, [...(editions.get(data.step) ?? []), data.attempt]);
      if (doubtful.has(data.step)) wrongs.push(`${data.step} is in doubt, and asked for otherwise`);
    }
    if (type !== 'StepStarted' && type !== 'StepRetried') continue;
    const { step, attempt } = data;
    const isFree = !doubtful.has(step) && !kept.has(step);
    if (readsCount(step) && isFree && inputs.get(step) !== count)
      wrongs.push(
        `call ${attempt} of ${step} has ${String(inputs.get(step))}, not ${String(count)}`,
      );
  }
  for (const [step, edited] of [...inputs.keys()].map((one) => [one, editions.get(one)] as const))
    for (const { attempt, key } of books.sentOf(correlationId, step, 'step')) {
      const edition = edited?.findLast((first) => first <= attempt);
      const own = edition === undefined ? `${run}:${step}` : `${run}:${step}:${edition}`;
      if (key !== own) wrongs.push(`call ${attempt} of ${step} has the key ${key}, not ${own}`);
    }
  for (const step of inputs.keys())
    for (const { attempt, key } of books.sentOf(correlationId, step, 'undo')) {
      const edition = undoEditions.get(step)?.findLast((first) => first <= attempt);
      const own = [`${run}:${step}:undo`, edition ?? []].flat().join(':');
      if (key !== own) wrongs.push(`undo ${attempt} of ${step} has the key ${key}, not ${own}`);
    }
  return wrongs;
}
