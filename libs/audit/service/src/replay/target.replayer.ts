import { targetControl, type TargetCommand, type TargetEvent } from '@downbeat/saga-domain';
import { DeciderReplay } from './decider-replay';
import type { Replayer } from './replayer';

export const targetReplayer: Replayer = {
  context: 'saga',
  begin: () => new DeciderReplay(targetControl, ([event]) => event && causeOf(event)),
};

function causeOf({ type, data }: TargetEvent): TargetCommand {
  const { service_name } = data;
  switch (type) {
    case 'TargetLimited':
      return { type: 'LimitTarget', data: { service_name, ...data.limits }, at: data.at };
    case 'TargetPaused':
      return { type: 'PauseTarget', data: { service_name, reason: data.reason }, at: data.at };
    case 'TargetResumed':
      return { type: 'ResumeTarget', data: { service_name }, at: data.at };
  }
}
