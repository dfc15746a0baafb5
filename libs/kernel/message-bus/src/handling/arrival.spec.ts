import { deliveryOf, MalformedBody, type Arrival } from './arrival';

const arrival = (text: string, headers: Record<string, string> = {}): Arrival => ({
  stream: 's',
  streamCreated: '2026-01-01T00:00:00.000000001Z',
  sequence: 7,
  deliveries: 1,
  subject: 'command.registry.RegisterService.billing',
  headers,
  text,
  ack: () => undefined,
  nak: () => undefined,
  working: () => undefined,
  answer: () => undefined,
});

describe('a delivery', () => {
  it.each([
    [
      { 'Downbeat-Message-Id': 'original', 'Nats-Msg-Id': 'letter:1' },
      '{"command_id":"b"}',
      'original',
    ],
    [{ 'Nats-Msg-Id': 'header' }, '{"command_id":"body"}', 'header'],
    [{ 'Nats-Msg-Id': '' }, '{"command_id":"body"}', 'body'],
    [{}, '{"command_id":""}', '2026-01-01T00:00:00.000000001Z:7'],
    [{}, '{"command_id":5}', '2026-01-01T00:00:00.000000001Z:7'],
    [{}, '[1]', '2026-01-01T00:00:00.000000001Z:7'],
    [{}, 'null', '2026-01-01T00:00:00.000000001Z:7'],
  ])('with %j and %s is called %s', (headers, text, id) =>
    expect(deliveryOf(arrival(text, headers))).toMatchObject({ id }),
  );

  it('loses its command_id whatever names it, and only when it is one', () => {
    const headers = { 'Nats-Msg-Id': 'x' };
    expect(deliveryOf(arrival('{"command_id":"b","a":1}', headers))).toMatchObject({
      body: { a: 1 },
    });
    expect(deliveryOf(arrival('{"command_id":5}'))).toMatchObject({ body: { command_id: 5 } });
  });

  it('says who began it and who asked, if anyone did', () => {
    expect(deliveryOf(arrival('{"command_id":"i"}'))).toMatchObject({
      correlationId: 'i',
      actor: 'anonymous',
    });
    const headers = {
      'Downbeat-Correlation-Id': 'k',
      'Downbeat-Actor': 'ann',
      traceparent: '00-a-b-01',
    };
    expect(deliveryOf(arrival('{}', headers))).toMatchObject({
      correlationId: 'k',
      actor: 'ann',
      traceparent: '00-a-b-01',
    });
  });

  it.each(['', '{', '{"a":1}}', 'undefined', '{"a":\n"b\nc"}'])('has no body in %j', (text) => {
    const malformed = deliveryOf(arrival(text));
    expect(malformed).toBeInstanceOf(MalformedBody);
    expect((malformed as MalformedBody).reason).toMatch(/^body is not JSON: [^\r\n]+$/);
  });

  it('takes no key of a body for a prototype', () => {
    const delivery = deliveryOf(arrival('{"__proto__":{"admin":true}}'));
    expect(delivery).not.toHaveProperty('body.admin');
    expect(Object.keys((delivery as { body: object }).body)).toEqual(['__proto__']);
  });
});
