import { MalformedAckSubject } from '../errors';
import { streamPlaceOf } from './nats-arrival';

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
