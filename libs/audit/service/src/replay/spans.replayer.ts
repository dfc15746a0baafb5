import { spanBatch, type RecordSpans, type SpansRecorded } from '@downbeat/observability-domain';
import { DeciderReplay } from './decider-replay';
import type { Replayer } from './replayer';

export const spansReplayer: Replayer = {
  context: 'observability',
  begin: () => new DeciderReplay(spanBatch, ([event]) => event && causeOf(event)),
};

function causeOf({ data: { at, batch_id, resources } }: SpansRecorded): RecordSpans {
  return { type: 'RecordSpans', data: { batch_id, resources: [...resources] }, at };
}
