import { instantOf } from '@downbeat/eventsourcing';
import { specification } from '@downbeat/eventsourcing/testing';
import { delayedMessage, type DelayedCommand, type DelayedEvent } from './delayed-message';

const { given } = specification(delayedMessage);
const at = instantOf(1_000_000);
const delayed_id = '0198c2a4-7d1e-7c3b-9a52-3f1f0a9f3c11';
const facts = {
  ...{ delayed_id, message_id: 'm', queue_name: 'q', from: 'shop', message_type: 't' },
  due_at: instantOf(2_000_000),
};
const delay: DelayedCommand = { type: 'DelayMessage', data: facts, at };
const delayed: DelayedEvent = { type: 'MessageDelayed', data: { ...facts, at } };
const cancel: DelayedCommand = { type: 'CancelDelayed', data: { delayed_id, reason: 'r' }, at };
const cancelled: DelayedEvent = {
  type: 'DelayedMessageCancelled',
  data: { delayed_id, reason: 'r', at },
};
const release: DelayedCommand = { type: 'ReleaseDelayed', data: { delayed_id }, at };
const released: DelayedEvent = { type: 'DelayedMessageReleased', data: { delayed_id, at } };

describe('a delayed message', () => {
  it('waits, once however often it is asked for', () => {
    given().when(delay).then(delayed);
    given(delayed).when(delay).thenNothing();
    given(delayed, released).when(delay).thenNothing();
  });
  it('is sent once', () => {
    given(delayed).when(release).then(released);
    given(delayed, released).when(release).thenNothing();
  });
  it('is cancelled until it is sent, and then never sent', () => {
    given(delayed).when(cancel).then(cancelled);
    given(delayed, cancelled).when(cancel).thenNothing();
    given(delayed, cancelled).when(release).thenNothing();
    given(delayed, cancelled).when(delay).thenRejected('message-cancelled');
    given(delayed, released).when(cancel).thenRejected('message-sent');
    given().when(cancel).thenRejected('delayed-message-unknown');
    given().when(release).thenRejected('delayed-message-unknown');
  });
});
