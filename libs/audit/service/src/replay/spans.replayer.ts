import {
  spanBatch,
  spanForgetting,
  type ForgetSpans,
  type RecordSpans,
  type SpansForgotten,
  type SpansRecorded,
} from '@downbeat/observability-domain';
import { DeciderReplay } from './decider-replay';
import type { Replayer } from './replayer';

export const spansReplayer: Replayer = {
  context: 'observability',
  begin: () => new DeciderReplay(spanBatch, ([event]) => event && causeOf(event)),
};

function causeOf({ data: { at, batch_id, resources } }: SpansRecorded): RecordSpans {
  return { type: 'RecordSpans', data: { batch_id, resources: [...resources] }, at };
}

export const spanForgettingReplayer: Replayer = {
  context: 'observability',
  begin: () => new DeciderReplay(spanForgetting, ([event]) => event && forgettingOf(event)),
};

function forgettingOf({ data: { at, ...data } }: SpansForgotten): ForgetSpans {
  return { type: 'ForgetSpans', data, at };
}
