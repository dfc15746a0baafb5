import { messagingContract, type DataOf } from '@downbeat/contracts';
import {
  Rejection,
  streamName,
  type Command,
  type Decider,
  type Decision,
  type Instant,
  type Message,
  type StreamName,
} from '@downbeat/eventsourcing';

const { OPERATION_LETTERS_MAX } = messagingContract;

export type LetterOperationRequest = DataOf<typeof messagingContract.startLetterOperation>;

/** What became of the question to one letter: `accepted`, or the code of the refusal. */
export type LetterAnswer = string;

export type LetterOperationCommand =
  /** @param data.dead_letter_ids What fits the filter at that moment, in the order in which they are taken. */
  | Command<
      'StartDeadLetterOperation',
      LetterOperationRequest & {
        readonly dead_letter_ids: readonly string[];
        readonly found_ticket: string;
      }
    >
  | Command<'AbortDeadLetterOperation', DataOf<typeof messagingContract.abortLetterOperation>>
  | Command<
      'RecordLetterAnswers',
      {
        readonly operation_id: string;
        readonly from: number;
        readonly answers: readonly LetterAnswer[];
      }
    >;

interface Said {
  readonly operation_id: string;
  readonly at: Instant;
}

export type LetterOperationStarted = Message<
  'DeadLetterOperationStarted',
  Said & {
    readonly request: LetterOperationRequest;
    readonly dead_letter_ids: readonly string[];
  }
>;
/** Of the letters from index `from` on. */
export type LettersAnswered = Message<
  'DeadLettersAnswered',
  Said & { readonly from: number; readonly answers: readonly LetterAnswer[] }
>;
/** All have been asked; some may still be on their way. */
export type LetterOperationCompleted = Message<'DeadLetterOperationCompleted', Said>;
export type LetterOperationAborted = Message<
  'DeadLetterOperationAborted',
  Said & { readonly reason: string }
>;
export type LetterOperationEvent =
  LetterOperationStarted | LettersAnswered | LetterOperationCompleted | LetterOperationAborted;

export interface LetterOperation {
  readonly status: 'unknown' | 'running' | 'completed' | 'aborted';
  readonly request: LetterOperationRequest | undefined;
  readonly letterIds: readonly string[];
  /** Index of the first letter that was not asked. */
  readonly next: number;
}

export const letterOperationStream = (id: string): StreamName =>
  streamName('dead-letter-operation', id);

/** The same to many letters, in a fixed order; they are those of the moment it was started. */
export const letterOperation: Decider<
  LetterOperation,
  LetterOperationCommand,
  LetterOperationEvent
> = {
  initialState: { status: 'unknown', request: undefined, letterIds: [], next: 0 },

  decide(command, state) {
    const { at, data } = command;
    const { operation_id } = data;
    if (command.type === 'StartDeadLetterOperation') {
      const { dead_letter_ids, found_ticket, ...request } = command.data;
      return start(request, { dead_letter_ids, found_ticket }, at, state);
    }
    if (state.status === 'unknown') return unknownLetterOperation(operation_id);
    if (command.type === 'AbortDeadLetterOperation') {
      const { reason } = command.data;
      if (state.status !== 'running') return [];
      return [{ type: 'DeadLetterOperationAborted', data: { operation_id, reason, at } }];
    }
    const { from, answers } = command.data;
    // Another process was faster.
    if (state.status === 'completed' || from !== state.next || answers.length === 0) return [];
    const answered: LetterOperationEvent = {
      type: 'DeadLettersAnswered',
      data: { operation_id, from, answers, at },
    };
    const isLast = from + answers.length >= state.letterIds.length;
    // When it was aborted, some were being asked.
    return isLast && state.status === 'running'
      ? [answered, { type: 'DeadLetterOperationCompleted', data: { operation_id, at } }]
      : [answered];
  },

  evolve(state, event) {
    switch (event.type) {
      case 'DeadLetterOperationStarted': {
        const { request, dead_letter_ids: letterIds } = event.data;
        return { status: 'running', request, letterIds, next: 0 };
      }
      case 'DeadLettersAnswered':
        return { ...state, next: event.data.from + event.data.answers.length };
      case 'DeadLetterOperationCompleted':
        return { ...state, status: 'completed' };
      case 'DeadLetterOperationAborted':
        return { ...state, status: 'aborted' };
    }
  },
};

function start(
  request: LetterOperationRequest,
  found: { readonly dead_letter_ids: readonly string[]; readonly found_ticket: string },
  at: Instant,
  { request: before }: LetterOperation,
): Decision<LetterOperationEvent> {
  const { operation_id, action, expected_count, ticket } = request;
  if (before)
    return isSame(before, request)
      ? []
      : new Rejection('operation-exists', `${operation_id} is the id of another operation`);
  const misfit = whyMisfit(request);
  if (misfit) return misfit;
  const { dead_letter_ids, found_ticket } = found;
  const count = dead_letter_ids.length;
  if (count > OPERATION_LETTERS_MAX)
    return new Rejection(
      'operation-too-large',
      `more than ${OPERATION_LETTERS_MAX} letters fit; narrow it, with quarantined_before for instance`,
    );
  if (count === 0) return new Rejection('operation-empty', `no letter fits for ${action}`);
  if (expected_count !== undefined && expected_count !== count)
    return new Rejection(
      'operation-count-differs',
      `${count} letters fit now, ${expected_count} were expected`,
    );
  if (ticket !== undefined && ticket !== found_ticket)
    return new Rejection(
      'operation-letters-differ',
      'other letters fit now than the preview showed; look at it again',
    );
  return [
    { type: 'DeadLetterOperationStarted', data: { operation_id, request, dead_letter_ids, at } },
  ];
}

/** What belongs to one action only, and a filter that names nothing. */
export function whyMisfit({
  action,
  filter,
  stop_after_failures,
  include_unresolved,
}: Pick<LetterOperationRequest, 'action' | 'filter'> & Partial<LetterOperationRequest>):
  Rejection | undefined {
  if (Object.values(filter).every((one) => one === undefined))
    return invalid('filter', 'must name at least one thing to go by, such as cause');
  if (action !== 'redrive' && stop_after_failures !== undefined)
    return invalid('stop_after_failures', 'belongs to the action redrive');
  if (action !== 'purge' && include_unresolved !== undefined)
    return invalid('include_unresolved', 'belongs to the action purge');
  if (action !== 'purge' && filter.resolved_before !== undefined)
    return invalid('filter.resolved_before', 'belongs to the action purge');
  return undefined;
}

const invalid = (field: string, message: string): Rejection =>
  new Rejection('invalid-input', `${field} ${message}`, 'invalid', [{ field, message }]);

export const unknownLetterOperation = (id: string): Rejection =>
  new Rejection('operation-unknown', `there is no operation ${id}`, 'not-found');

const isSame = (one: LetterOperationRequest, other: LetterOperationRequest): boolean =>
  JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));

const sorted = (value: unknown): unknown => {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, inner]) => [name, sorted(inner)]),
  );
};
