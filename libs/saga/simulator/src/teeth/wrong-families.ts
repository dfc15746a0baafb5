import { Rejection } from '@downbeat/eventsourcing';
import type { CommandOutcome } from '@downbeat/message-bus';
import { isStarted } from '@downbeat/saga-domain';
import type { Reach } from '@downbeat/saga-service/testing';
import { deciding, leadingTo } from './rewriting';
import type { Tooth } from './tooth';

const HEARD: CommandOutcome = { accepted: true, position: 1, answer: {}, repeated: false };
const NOTHING_THERE: CommandOutcome = {
  accepted: false,
  problem: {
    kind: 'conflict',
    code: 'nothing-to-compensate',
    message: 'no effect that can be undone is named',
  },
};

const SAID_AGAIN_MS = 1_000;

/** Each time something is said again, it comes as another command. */
const underNewIds = (reach: Reach): Reach => {
  let said = 0;
  return (word, cause) => reach(word, { ...cause, commandId: `${cause.commandId}:${++said}` });
};

/** Bugs in what runs say to one another. */
export const WRONG_FAMILIES: readonly Tooth[] = [
  {
    name: 'parent-never-told',
    says: 'a run that stands for a step ends, and the run it is a step of does not hear of it',
    mutation: {
      reach: (reach) => async (word, cause) =>
        word.type === 'ChildEnded' ? HEARD : reach(word, cause),
    },
  },
  {
    name: 'child-not-undone',
    says: 'a run that stands for a step counts as undone, and nobody has told it',
    mutation: {
      reach: (reach) => async (word, cause) =>
        word.type === 'CompensateWorkflow' ? NOTHING_THERE : reach(word, cause),
    },
  },
  {
    name: 'child-told-twice',
    says: 'a run that stands for a step is told twice to begin again',
    shownBy: 37,
    mutation: {
      reach: (reach, { world, process }) => {
        const anew = underNewIds(reach);
        return (word, cause) => {
          if (word.type !== 'RetryWorkflow') return reach(word, cause);
          // As whoever was not answered in time says it again.
          world.time.after(
            SAID_AGAIN_MS,
            process,
            () => void anew(word, cause).catch(() => undefined),
          );
          return anew(word, cause);
        };
      },
    },
  },
  {
    name: 'child-undone-for-somebody-else',
    says: 'what somebody had undone of a child counts as what its parent has asked for',
    mutation: {
      decider: deciding((sound) => (command, state) => {
        if (command.type !== 'ChildEnded') return sound(command, state);
        const { for_parent: _, ...data } = command.data;
        return sound({ ...command, data }, state);
      }),
    },
    shownBy: 876,
  },
  {
    name: 'end-of-a-child-recorded-twice',
    says: 'the end of a child is recorded again when it is told again',
    mutation: {
      reach: underNewIds,
      decider: deciding((sound) => (command, state) => {
        const decided = sound(command, state);
        if (decided instanceof Rejection || decided.events.length > 0) return decided;
        if (command.type !== 'ChildEnded' || !isStarted(state)) return decided;
        const { step, status, output } = command.data;
        if (state.steps.get(step)?.status !== 'passed' || status !== 'completed') return decided;
        const data = { step, attempt: 1, reissued: false, output, context: {}, at: command.at };
        return leadingTo([{ type: 'StepCompleted', data }], state);
      }),
    },
  },
];
