import { sagaContract, type DataOf } from '@downbeat/contracts';
import {
  streamName,
  type Command,
  type Decider,
  type Instant,
  type Message,
  type StreamName,
} from '@downbeat/eventsourcing';
import { canonicalJson } from '../definition/canonical-json';

type Put = DataOf<typeof sagaContract.putRetentionPolicy>;

/** Ages by the status a run ended with; one that is missing is never archived. */
export type RetentionRules = Omit<Put, 'workflow_name'>;

export type RetentionCommand =
  | Command<'PutRetentionPolicy', Put>
  | Command<'DeleteRetentionPolicy', DataOf<typeof sagaContract.deleteRetentionPolicy>>;

export type RetentionPolicySet = Message<
  'RetentionPolicySet',
  { readonly workflow_name: string; readonly rules: RetentionRules; readonly at: Instant }
>;
export type RetentionPolicyDeleted = Message<
  'RetentionPolicyDeleted',
  { readonly workflow_name: string; readonly at: Instant }
>;
export type RetentionEvent = RetentionPolicySet | RetentionPolicyDeleted;

/** What was said of one workflow, or of all others. */
export interface RetentionPolicy {
  readonly rules: RetentionRules | undefined;
}

export const retentionStream = (workflowName: string): StreamName =>
  streamName('retention', workflowName);

/** Until somebody says something else: lists stay short, and nothing is purged. */
export const BUILT_IN_RULES: RetentionRules = {
  completed: { archive_after_days: 30 },
  failed: { archive_after_days: 90 },
  compensated: { archive_after_days: 90 },
};

/** When ended runs leave the lists. What is said holds for those that have ended already, too. */
export const retentionPolicy: Decider<RetentionPolicy, RetentionCommand, RetentionEvent> = {
  initialState: { rules: undefined },

  decide(command, { rules: before }) {
    const { at } = command;
    switch (command.type) {
      case 'PutRetentionPolicy': {
        const { workflow_name, ...rules } = command.data;
        if (before && canonicalJson(before) === canonicalJson(rules)) return [];
        return [{ type: 'RetentionPolicySet', data: { workflow_name, rules, at } }];
      }
      case 'DeleteRetentionPolicy': {
        const { workflow_name } = command.data;
        return before ? [{ type: 'RetentionPolicyDeleted', data: { workflow_name, at } }] : [];
      }
    }
  },

  evolve(_, event) {
    switch (event.type) {
      case 'RetentionPolicySet':
        return { rules: event.data.rules };
      case 'RetentionPolicyDeleted':
        return { rules: undefined };
    }
  },
};

export type RetentionAct = 'archive' | 'purge';

/** Runs of a workflow that ended with a status, before this moment, are due. */
export interface DueRule {
  readonly workflow_name: string;
  readonly status: sagaContract.EndStatus;
  readonly afterDays: number;
}

const STATUSES: readonly sagaContract.EndStatus[] = ['completed', 'failed', 'compensated'];

/** What would be due of these workflows if this age was said of all of them. */
export const dueAt = (workflowNames: readonly string[], afterDays: number): readonly DueRule[] =>
  workflowNames.flatMap((workflow_name) =>
    STATUSES.map((status) => ({ workflow_name, status, afterDays })),
  );

/**
 * What is due of these workflows, each by its own policy or else by the default one.
 *
 * @param said By the name of the workflow, the default under `_default`.
 */
export function dueRules(
  act: RetentionAct,
  workflowNames: readonly string[],
  said: ReadonlyMap<string, RetentionRules>,
): readonly DueRule[] {
  const fallback = said.get(sagaContract.DEFAULT_POLICY) ?? BUILT_IN_RULES;
  return workflowNames.flatMap((workflow_name) => {
    const rules = said.get(workflow_name) ?? fallback;
    return STATUSES.flatMap((status) => {
      const ages = rules[status];
      const afterDays = act === 'archive' ? ages?.archive_after_days : ages?.purge_after_days;
      return afterDays === undefined ? [] : [{ workflow_name, status, afterDays }];
    });
  });
}
