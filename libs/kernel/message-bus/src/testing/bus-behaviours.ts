import type { Behaviour } from './bus-under-test';
import { commandBehaviours } from './command-behaviours';
import { deadLetterBehaviours } from './dead-letter-behaviours';
import { queryBehaviours } from './query-behaviours';

/** What every bus does, whatever carries its messages. Framework-free, so that any runner can run it. */
export const busBehaviours: Readonly<Record<string, Behaviour>> = {
  ...commandBehaviours,
  ...deadLetterBehaviours,
  ...queryBehaviours,
};
