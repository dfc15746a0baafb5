import type { Json } from '@downbeat/eventsourcing';
import type { CompiledDefinition, RunEvent } from '@downbeat/saga-domain';
import type { Books } from '../world/books';
import { nameAt } from './places';

/**
 * What is wrong with requests after an edit of the context: what failed for sure is asked for anew,
 * under another key; what is in doubt never is. Only edits change the context's `count`, which calls have
 * in their input as `n`.
 */
export function editsAccountOf(
  correlationId: string,
  definition: CompiledDefinition,
  events: readonly RunEvent[],
  books: Books,
): readonly string[] {
  const wrongs: string[] = [];
  const inputs = new Map<string, Json | undefined>();
  const doubtful = new Set<string>();
  const editions = new Map<string, number[]>();
  let count: Json | undefined;
  let run = '';
  const readsCount = (step: string): boolean => {
    const compiled = definition.steps.get(nameAt(step));
    const isCall = compiled?.type === 'service_call';
    return isCall && compiled.call.input.fields.some(({ key }) => key === 'n');
  };
  for (const { type, data } of events) {
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
    if (readsCount(step) && !doubtful.has(step) && inputs.get(step) !== count)
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
  return wrongs;
}
