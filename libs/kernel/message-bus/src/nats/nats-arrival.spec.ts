import { createInbox, headers, type Msg } from 'nats';
import { MalformedAckSubject } from '../errors';
import { natsArrival, streamPlaceOf } from './nats-arrival';

describe('the place of a message', () => {
  const place = { stream: 'command-registry', deliveries: 2, sequence: 15 };

  it('is read from the acknowledgement subject of old and new servers', () => {
    expect(streamPlaceOf('$JS.ACK.command-registry.c.2.15.9.1795219433885236506.0')).toEqual(place);
    expect(
      streamPlaceOf('$JS.ACK._.hash.command-registry.c.2.15.9.1795219433885236506.0.random'),
    ).toEqual(place);
  });

  it.each(['', '_INBOX.a.b', '$JS.ACK.s.c', '$JS.API.command-registry.c.2.15.9.1.0'])(
    'is not in %j',
    (subject) => expect(() => streamPlaceOf(subject)).toThrow(MalformedAckSubject),
  );
});

describe('an arrival', () => {
  it('keeps what it needs of the message, and answers without it', () => {
    const reply = '$JS.ACK.command-registry.c.2.15.9.1795219433885236506.0';
    const known = headers();
    known.set('x-actor', 'ada');
    let isHandled = false;
    const message = new Proxy(
      { reply, headers: known, data: new Uint8Array([1]), subject: createInbox() },
      {
        get: (all, name) => {
          if (isHandled)
            throw new Error(`${String(name)} was read of a message that is held on to`);
          return all[name as keyof typeof all];
        },
      },
    ) as unknown as Msg;
    const sent: string[] = [];
    const source = {
      respond: (subject: string, payload: string) => void sent.push(`${subject} ${payload}`),
      ifCurrent: (_: string, act: () => void) => act(),
      ifCurrentNow: (_: string, act: () => void) => act(),
    };
    const desk = { answer: () => undefined, isAwaited: () => false };
    const arrival = natsArrival(message, 'today', 'command.registry.x', source, desk);
    isHandled = true;
    expect(arrival).toMatchObject({ sequence: 15, headers: { 'x-actor': 'ada' } });
    expect([...arrival.body]).toEqual([1]);
    arrival.working();
    arrival.nak(5);
    arrival.ack();
    expect(sent).toEqual([`${reply} +WPI`, `${reply} -NAK {"delay":5000000}`, `${reply} +ACK`]);
  });
});
