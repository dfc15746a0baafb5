import type { IncomingEvent, OutgoingEvent } from '@downbeat/message-bus';
import { ForeignEvent, messageOf, publicationOf } from './publication-message';
import { publicationOf as publication } from './testing/relay-fakes';

const arrived = (message: OutgoingEvent): IncomingEvent => ({ ...message, sequence: 1 });

describe('a publication on the bus', () => {
  const published = { ...publication(7), id: 'pod.7' };
  const message = messageOf(published, 0);

  it('arrives as it was sent, caused by the event it was made from', () => {
    expect(message.subject).toBe('event.registry.InstanceRegistered.pod.7');
    expect(publicationOf(arrived(message))).toEqual({
      ...published,
      meta: { ...published.meta, causation_id: published.event_id },
    });
  });

  it('has the id of its event, and another one when it is sent again', () => {
    expect([0, 5].map((repeat) => messageOf(published, repeat).messageId)).toEqual([
      'event-7',
      'event-7:5',
    ]);
  });

  it.each<[string, Partial<IncomingEvent>]>([
    ['without headers', { headers: {} }],
    [
      'with a number that is none',
      { headers: { ...message.headers, 'Downbeat-Publication': 'x' } },
    ],
    ['with number 0', { headers: { ...message.headers, 'Downbeat-Publication': '0' } }],
    ['without a body', { body: undefined }],
    ['with a list as its body', { body: [] }],
    ['on a short subject', { subject: 'event.registry' }],
  ])('is foreign %s', (_, wrong) => {
    expect(() => publicationOf({ ...arrived(message), ...wrong })).toThrow(ForeignEvent);
  });
});
