import { instantOf } from '@downbeat/eventsourcing';
import { specification } from '@downbeat/eventsourcing/testing';
import { queueDeclaration, type QueueCommand, type QueueEvent, type QueueOptions } from './queue';
import { matchesPattern, refusalToShare } from './queue-rules';

const { given } = specification(queueDeclaration);
const at = instantOf(1_000_000);
const queue_name = 'order-placed';
const create = (options: QueueOptions = {}, queue_type = 'topic' as const): QueueCommand => ({
  type: 'CreateQueue',
  data: { queue_name, queue_type, ...options },
  at,
});
const created = (options: QueueOptions = {}): QueueEvent => ({
  type: 'QueueCreated',
  data: { queue_name, queue_type: 'topic', ...options, at },
});
const change = (options: QueueOptions): QueueCommand => ({
  type: 'ChangeQueue',
  data: { queue_name, ...options },
  at,
});
const changed = (options: QueueOptions): QueueEvent => ({
  type: 'QueueChanged',
  data: { queue_name, ...options, at },
});
const remove: QueueCommand = { type: 'RemoveQueue', data: { queue_name, reason: 'old' }, at };
const removed: QueueEvent = { type: 'QueueRemoved', data: { queue_name, reason: 'old', at } };

describe('a queue', () => {
  it('is made with its options, and once when asked for the same again', () => {
    given()
      .when(create({ retention_hours: 2 }))
      .then(created({ retention_hours: 2 }));
    given(created({ retention_hours: 2, max_message_size: 9 }))
      .when(create({ max_message_size: 9, retention_hours: 2 }))
      .thenNothing();
  });

  it('is not made with other options while it is there', () =>
    given(created())
      .when(create({ retention_hours: 2 }))
      .thenRejected('queue-exists'));

  it('keeps what a change leaves out, and does not change to what it is', () => {
    given(created({ retention_hours: 2 }))
      .when(change({ dlq_enabled: false }))
      .then(changed({ retention_hours: 2, dlq_enabled: false }));
    given(created({ retention_hours: 2 }))
      .when(change({ retention_hours: 2 }))
      .thenNothing();
    given().when(change({})).thenRejected('queue-unknown');
  });

  it('is removed once, and can be made again', () => {
    given(created()).when(remove).then(removed);
    given(created(), removed).when(remove).thenNothing();
    given(created(), removed).when(create()).then(created());
  });

  it('has a pattern exactly when it gets dead letters of others', () => {
    given()
      .when(create({ message_pattern: '*' }))
      .thenRejected('invalid-input');
    given()
      .when({ ...create(), data: { queue_name, queue_type: 'dead_letter' } } as QueueCommand)
      .thenRejected('invalid-input');
  });
});

describe('a topic that is to be shared', () => {
  it('may be when nothing of it waits or is in hand', () =>
    expect(refusalToShare('jobs', { services: [], pending: 0, inHand: 0 })).toBeUndefined());

  it('says else who has what of it, and that nobody may send until then', () =>
    expect(refusalToShare('jobs', { services: ['worker'], pending: 2, inHand: 1 })).toMatchObject({
      code: 'queue-has-backlog',
      message:
        'jobs has messages that worker has not handled: 2 waiting, 1 in hand; stop who sends to it until they are handled, or unsubscribe who wants them no more',
    }));
});

it.each([
  ['*', 'order', true],
  ['order', 'order', true],
  ['order', 'orders', false],
  ['order-*', 'order-placed', true],
  ['order-*', 'order', false],
  ['*-placed', 'order-placed', true],
  ['a*b*c', 'axxbyyc', true],
  ['a*b*c', 'axxcyyb', false],
  ['a*a', 'a', false],
  ['**', 'x', true],
])('the pattern %s and %s: %s', (pattern, topic, matches) =>
  expect(matchesPattern(pattern, topic)).toBe(matches),
);
