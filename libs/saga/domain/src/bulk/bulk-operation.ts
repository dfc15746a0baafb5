import { sagaContract, type DataOf } from '@downbeat/contracts';
import {
  Rejection,
  streamName,
  type Command,
  type Decider,
  type Instant,
  type Message,
  type StreamName,
} from '@downbeat/eventsourcing';
import { canonicalJson } from '../definition/canonical-json';

const { BULK_RUNS_MAX } = sagaContract;

type Request = DataOf<typeof sagaContract.startBulkOperation>;

/** What a run said to it: `accepted`, or the code of its refusal. */
export type BulkAnswer = string;

export type BulkCommand =
  /** @param data.workflow_ids What fits the filter at that moment. */
  | Command<'StartBulkOperation', Request & { readonly workflow_ids: readonly string[] }>
  | Command<'AbortBulkOperation', DataOf<typeof sagaContract.abortBulkOperation>>
  | Command<
      'RecordAnswers',
      { readonly bulk_id: string; readonly from: number; readonly answers: readonly BulkAnswer[] }
    >
  /** To be said of one that is over. */
  | Command<'ForgetBulkOperation', { readonly bulk_id: string }>;

interface Said {
  readonly bulk_id: string;
  readonly at: Instant;
}

export type BulkStarted = Message<
  'BulkOperationStarted',
  Said & { readonly request: Request; readonly workflow_ids: readonly string[] }
>;
/** Of the runs from index `from` on. */
export type BulkAnswered = Message<
  'BulkRunsAnswered',
  Said & { readonly from: number; readonly answers: readonly BulkAnswer[] }
>;
export type BulkCompleted = Message<'BulkOperationCompleted', Said>;
export type BulkAborted = Message<'BulkOperationAborted', Said & { readonly reason: string }>;
/** It is listed no more; `count`: of its runs, whose rows go with it. */
export type BulkForgotten = Message<'BulkOperationForgotten', Said & { readonly count: number }>;
export type BulkEvent = BulkStarted | BulkAnswered | BulkCompleted | BulkAborted | BulkForgotten;

export interface BulkOperation {
  readonly status: 'unknown' | 'running' | 'completed' | 'aborted';
  readonly request: Request | undefined;
  readonly workflowIds: readonly string[];
  /** Index of the first run that has not answered. */
  readonly next: number;
  readonly isForgotten: boolean;
}

export const bulkStream = (bulkId: string): StreamName => streamName('bulk', bulkId);

/** The same command to many runs, in a fixed order; the runs are those of the moment it was started. */
export const bulkOperation: Decider<BulkOperation, BulkCommand, BulkEvent> = {
  initialState: {
    status: 'unknown',
    request: undefined,
    workflowIds: [],
    next: 0,
    isForgotten: false,
  },

  decide(command, state) {
    const { bulk_id } = command.data;
    const { at } = command;
    if (command.type === 'StartBulkOperation') {
      const { workflow_ids, ...request } = command.data;
      return start(request, workflow_ids, at, state);
    }
    if (state.status === 'unknown')
      return new Rejection('bulk-unknown', `there is no operation ${bulk_id}`, 'not-found');
    if (command.type === 'AbortBulkOperation') {
      const { reason } = command.data;
      if (state.status !== 'running') return [];
      return [{ type: 'BulkOperationAborted', data: { bulk_id, reason, at } }];
    }
    if (command.type === 'ForgetBulkOperation') return forget(bulk_id, at, state);
    const { from, answers } = command.data;
    if (state.status === 'completed') return [];
    // Another process was faster.
    if (from !== state.next || answers.length === 0) return [];
    const answered: BulkEvent = { type: 'BulkRunsAnswered', data: { bulk_id, from, answers, at } };
    const isLast = from + answers.length >= state.workflowIds.length;
    // When it was aborted, some were being asked.
    return isLast && state.status === 'running'
      ? [answered, { type: 'BulkOperationCompleted', data: { bulk_id, at } }]
      : [answered];
  },

  evolve(state, event) {
    switch (event.type) {
      case 'BulkOperationStarted': {
        const { request, workflow_ids: workflowIds } = event.data;
        return { status: 'running', request, workflowIds, next: 0, isForgotten: false };
      }
      case 'BulkRunsAnswered':
        return { ...state, next: event.data.from + event.data.answers.length };
      case 'BulkOperationCompleted':
        return { ...state, status: 'completed' };
      case 'BulkOperationAborted':
        return { ...state, status: 'aborted' };
      case 'BulkOperationForgotten':
        return { ...state, isForgotten: true };
    }
  },
};

function forget(
  bulk_id: string,
  at: Instant,
  { status, isForgotten, workflowIds }: BulkOperation,
): readonly BulkEvent[] | Rejection {
  if (status === 'running') return new Rejection('bulk-running', `${bulk_id} is not over yet`);
  if (isForgotten) return [];
  const { length: count } = workflowIds;
  return [{ type: 'BulkOperationForgotten', data: { bulk_id, count, at } }];
}

function start(
  request: Request,
  workflow_ids: readonly string[],
  at: Instant,
  { request: before }: BulkOperation,
): readonly BulkEvent[] | Rejection {
  const { bulk_id, expected_count, action, max_retries, to_version, filter } = request;
  if (before)
    return canonicalJson(before) === canonicalJson(request)
      ? []
      : new Rejection('bulk-exists', `${bulk_id} is the id of another operation`);
  if (max_retries !== undefined && action !== 'retry')
    return new Rejection('invalid-input', 'max_retries belongs to the action retry', 'invalid', [
      { field: 'max_retries', message: 'belongs to the action retry' },
    ]);
  const unfit = whyUnfit({ action, to_version, filter });
  if (unfit) return unfit;
  const count = workflow_ids.length;
  if (count > BULK_RUNS_MAX)
    return new Rejection(
      'bulk-too-large',
      `more than ${BULK_RUNS_MAX} runs fit the filter; narrow it, with started_before for instance`,
    );
  if (count === 0) return new Rejection('bulk-empty', `no run fits the filter for ${action}`);
  if (expected_count !== undefined && expected_count !== count)
    return new Rejection(
      'bulk-count-differs',
      `${count} runs fit now, ${expected_count} were expected`,
    );
  return [{ type: 'BulkOperationStarted', data: { bulk_id, request, workflow_ids, at } }];
}

/** A version is one of a certain workflow's, and belongs to the action `migrate`. */
export function whyUnfit({
  action,
  to_version,
  filter,
}: Pick<Request, 'action' | 'to_version' | 'filter'>): Rejection | undefined {
  if ((action === 'migrate') !== (to_version !== undefined))
    return invalid('to_version', 'belongs to the action migrate, and is needed there');
  if (action === 'migrate' && filter.workflow_name === undefined)
    return invalid('filter.workflow_name', 'is needed with the action migrate');
  return undefined;
}

const invalid = (field: string, message: string): Rejection =>
  new Rejection('invalid-input', `${field} ${message}`, 'invalid', [{ field, message }]);
