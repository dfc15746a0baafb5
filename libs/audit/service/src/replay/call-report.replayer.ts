import {
  callForgetting,
  callReport,
  type CallsForgotten,
  type CallsRecorded,
  type ForgetCalls,
  type RecordCalls,
} from '@downbeat/observability-domain';
import { DeciderReplay } from './decider-replay';
import type { Replayer } from './replayer';

export const callReportReplayer: Replayer = {
  context: 'observability',
  begin: () => new DeciderReplay(callReport, ([event]) => event && causeOf(event)),
};

function causeOf({ data: { at, calls, ...more } }: CallsRecorded): RecordCalls {
  return { type: 'RecordCalls', data: { ...more, calls: [...calls] }, at };
}

export const callForgettingReplayer: Replayer = {
  context: 'observability',
  begin: () => new DeciderReplay(callForgetting, ([event]) => event && forgettingOf(event)),
};

function forgettingOf({ data: { at, ...data } }: CallsForgotten): ForgetCalls {
  return { type: 'ForgetCalls', data, at };
}
