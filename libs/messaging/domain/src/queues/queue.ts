import type { DataOf, messagingContract } from '@downbeat/contracts';
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

export type CreateQueue = Command<'CreateQueue', DataOf<typeof messagingContract.createQueue>>;
export type ChangeQueue = Command<'ChangeQueue', DataOf<typeof messagingContract.changeQueue>>;
export type RemoveQueue = Command<'RemoveQueue', DataOf<typeof messagingContract.removeQueue>>;
export type QueueCommand = CreateQueue | ChangeQueue | RemoveQueue;

/** What may be said about a queue; what is absent is as it is for any topic. */
export type QueueOptions = Omit<CreateQueue['data'], 'queue_name' | 'queue_type'>;

export type QueueCreated = Message<
  'QueueCreated',
  QueueOptions & {
    readonly queue_name: string;
    readonly queue_type: messagingContract.QueueType;
    readonly at: Instant;
  }
>;
/** All options as they are from now on. */
export type QueueChanged = Message<
  'QueueChanged',
  QueueOptions & { readonly queue_name: string; readonly at: Instant }
>;
export type QueueRemoved = Message<
  'QueueRemoved',
  { readonly queue_name: string; readonly reason: string; readonly at: Instant }
>;
export type QueueEvent = QueueCreated | QueueChanged | QueueRemoved;

export interface DeclaredQueue {
  readonly status: 'declared';
  readonly type: messagingContract.QueueType;
  readonly options: QueueOptions;
  readonly createdAt: Instant;
}
export type Queue = { readonly status: 'undeclared' } | DeclaredQueue;

export const queueStream = (name: string): StreamName => streamName('queue', name);

/** A queue's declaration: made, changed any number of times, removed, and perhaps made again. */
export const queueDeclaration: Decider<Queue, QueueCommand, QueueEvent> = {
  initialState: { status: 'undeclared' },

  decide(command, state) {
    switch (command.type) {
      case 'CreateQueue':
        return create(command, state);
      case 'ChangeQueue':
        return change(command, state);
      case 'RemoveQueue':
        return remove(command, state);
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'QueueCreated': {
        const { queue_name: _, queue_type: type, at: createdAt, ...options } = event.data;
        return { status: 'declared', type, options, createdAt };
      }
      case 'QueueChanged': {
        const { queue_name: _, at: __, ...options } = event.data;
        return state.status === 'declared' ? { ...state, options } : state;
      }
      case 'QueueRemoved':
        return { status: 'undeclared' };
    }
  },
};

function create({ data, at }: CreateQueue, state: Queue): Decision<QueueEvent> {
  const { queue_name, queue_type, ...options } = data;
  const misfit = misfitOf(queue_type, options);
  if (misfit) return misfit;
  if (state.status === 'undeclared') return [{ type: 'QueueCreated', data: { ...data, at } }];
  if (state.type === queue_type && isSame(state.options, options)) return [];
  return new Rejection(
    'queue-exists',
    `${queue_name} is a ${state.type} already; change its options, or remove it first`,
  );
}

function change({ data, at }: ChangeQueue, state: Queue): Decision<QueueEvent> {
  const { queue_name, ...changed } = data;
  if (state.status === 'undeclared') return unknownQueue(queue_name);
  const options = { ...state.options, ...changed };
  const misfit = misfitOf(state.type, options);
  if (misfit) return misfit;
  if (isSame(state.options, options)) return [];
  return [{ type: 'QueueChanged', data: { queue_name, ...options, at } }];
}

function remove({ data, at }: RemoveQueue, state: Queue): Decision<QueueEvent> {
  if (state.status === 'undeclared') return [];
  return [{ type: 'QueueRemoved', data: { ...data, at } }];
}

function misfitOf(
  type: messagingContract.QueueType,
  { message_pattern }: QueueOptions,
): Rejection | undefined {
  if (type === 'dead_letter' && message_pattern === undefined)
    return invalid('message_pattern', 'must say whose dead letters it gets, * for all');
  if (type !== 'dead_letter' && message_pattern !== undefined)
    return invalid('message_pattern', 'is for queues of the type dead_letter');
  return undefined;
}

/** Options are JSON, and which of them stands first says nothing. */
const isSame = (a: QueueOptions, b: QueueOptions): boolean => sorted(a) === sorted(b);
const sorted = (options: QueueOptions): string =>
  JSON.stringify(Object.entries(options).toSorted(([a], [b]) => (a < b ? -1 : 1)));

const invalid = (field: string, message: string): Rejection =>
  new Rejection('invalid-input', `${field} ${message}`, 'invalid', [{ field, message }]);

export const unknownQueue = (name: string): Rejection =>
  new Rejection('queue-unknown', `there is no queue ${name}`, 'not-found');
