import { Rejection } from '@downbeat/eventsourcing';
import { isStarted, runDecider, versionOf, type RunEvent } from '@downbeat/saga-domain';
import { deciderFor, deciding, leadingTo, rewriting } from './rewriting';
import { StoreWrapper } from './store-wrapper';
import type { Tooth } from './tooth';

type Migrated = Extract<RunEvent, { type: 'WorkflowMigrated' }>['data'];

const rewritten = (change: (data: Migrated) => Migrated) =>
  rewriting((events) =>
    events.map((event): RunEvent =>
      event.type === 'WorkflowMigrated' ? { ...event, data: change(event.data) } : event,
    ),
  );

/** Bugs in how runs come to another version of their definition, and in what catches the failure of a run. */
export const WRONG_MIGRATIONS: readonly Tooth[] = [
  {
    name: 'migration-not-checked',
    says: 'a run goes by any version that somebody asks for, whatever it has done',
    mutation: {
      decider: deciding((sound) => (command, state) => {
        const decided = sound(command, state);
        if (command.type !== 'MigrateWorkflow' || !isStarted(state)) return decided;
        if (!(decided instanceof Rejection) || decided.code !== 'migration-impossible')
          return decided;
        const { definition: to, checksum, at } = command;
        const data: Migrated = {
          from_version: versionOf(state),
          to_version: to.version,
          checksum,
          reason: command.data.reason,
          compensation_strategy: to.strategy,
          total_steps: to.steps.size,
          at,
        };
        return leadingTo([{ type: 'WorkflowMigrated', data }], state);
      }),
    },
  },
  {
    name: 'migration-not-seen-in-the-log',
    says: 'whoever reads a migrated run goes on by the version it began with',
    mutation: {
      store: (store) =>
        new StoreWrapper(store, undefined, (event) =>
          event.type === 'WorkflowMigrated'
            ? { ...event, type: 'ParentTold', data: { ends: 0 } }
            : event,
        ),
    },
  },
  {
    name: 'later-version-mixed-up',
    says: 'what goes by a later version of its definition is decided by the first one',
    mutation: {
      library: async (known, find) => {
        const { version } = known.definition;
        const first = await find('1.0.0');
        if (first instanceof Rejection || version === '1.0.0') return known;
        return { ...known, decider: runDecider({ ...first.definition, version }) };
      },
    },
  },
  {
    name: 'another-request-under-the-old-key',
    says: 'what a migration has made another request is taken for the one before',
    shownBy: 23,
    mutation: { decider: rewritten(({ anew: _, undo_anew: __, ...data }) => data) },
  },
  {
    name: 'migrated-while-it-ends',
    says: 'a run migrates while it waits for its last answers',
    mutation: {
      decider: deciding((sound) => (command, state) => {
        const decided = sound(command, state);
        if (command.type !== 'MigrateWorkflow' || !isStarted(state)) return decided;
        if (!(decided instanceof Rejection) || decided.code !== 'workflow-ending') return decided;
        const again = sound(command, { ...state, halt: undefined });
        return again instanceof Rejection ? decided : leadingTo(again.events, state);
      }),
    },
  },
  {
    name: 'purged-run-goes-on',
    says: 'a run that was purged is retried, or undone, as one from the archive',
    mutation: {
      decider: deciding((sound) => (command, state) => {
        const isAsked = command.type === 'RetryWorkflow' || command.type === 'CompensateWorkflow';
        if (!isAsked || !isStarted(state)) return sound(command, state);
        const decided = sound(command, { ...state, purgedAt: undefined });
        return decided instanceof Rejection ? decided : leadingTo(decided.events, state);
      }),
    },
  },
  {
    name: 'failure-of-a-child-not-caught',
    says: 'the failure of a run that stands for a step ends the run around it, whatever catches it',
    mutation: deciderFor((step) =>
      step.type === 'sub_workflow' ? { ...step, onError: [] } : step,
    ),
  },
];
