import { deliveryOf, idOfMalformed, MalformedMessage, type Arrival } from './arrival';

const arrival = (text: string | Uint8Array, headers: Record<string, string> = {}): Arrival => ({
  stream: 's',
  streamCreated: '2026-01-01T00:00:00.000000001Z',
  sequence: 7,
  deliveries: 1,
  subject: 'command.registry.RegisterService.billing',
  headers,
  body: Buffer.from(text),
  ack: () => undefined,
  nak: () => undefined,
  working: () => undefined,
  answer: () => undefined,
  isAwaited: () => true,
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
    expect(malformed).toBeInstanceOf(MalformedMessage);
    expect((malformed as MalformedMessage).reason).toMatch(/^body is not JSON: [^\r\n]+$/);
  });

  it('has no body in bytes that are not UTF-8, and says nothing of what they would resemble', () =>
    expect(deliveryOf(arrival(Buffer.from([0x22, 0xff, 0x22])))).toMatchObject({
      reason: 'body is not UTF-8',
    }));

  it('takes no key of a body for a prototype', () => {
    const delivery = deliveryOf(arrival('{"__proto__":{"admin":true}}'));
    expect(delivery).not.toHaveProperty('body.admin');
    expect(Object.keys((delivery as { body: object }).body)).toEqual(['__proto__']);
  });

  const long = 'x'.repeat(201);
  it.each<[string, Record<string, string>, string]>([
    ['Nats-Msg-Id', { 'Nats-Msg-Id': long }, '{}'],
    ['Nats-Msg-Id', { 'Nats-Msg-Id': 'a\u0000b' }, '{}'],
    ['Nats-Msg-Id', { 'Nats-Msg-Id': 'a\u2028b' }, '{}'],
    ['Nats-Msg-Id', { 'Nats-Msg-Id': 'bytes \uFFFD' }, '{"command_id":"good"}'],
    ['Downbeat-Message-Id', { 'Downbeat-Message-Id': long, 'Nats-Msg-Id': 'good' }, '{}'],
    ['command_id', {}, `{"command_id":"${long}"}`],
    ['command_id', {}, '{"command_id":"\\ud800"}'],
    ['Downbeat-Correlation-Id', { 'Downbeat-Correlation-Id': long }, '{}'],
    ['Downbeat-Actor', { 'Downbeat-Actor': 'a\tb' }, '{}'],
    ['Downbeat-Reply-To', { 'Downbeat-Reply-To': '$JS.API.STREAM.PURGE.x' }, '{}'],
    ['Downbeat-Reply-To', { 'Downbeat-Reply-To': 'command.saga.StartWorkflow.x' }, '{}'],
  ])('is none with a wrong %s', (field, headers, text) => {
    const malformed = deliveryOf(arrival(text, headers));
    expect(malformed).toBeInstanceOf(MalformedMessage);
    expect(malformed).toMatchObject({
      reason: expect.stringMatching(
        new RegExp(`^invalid-input: ${field} must [^\\r\\n]+$`),
      ) as string,
      problem: { code: 'invalid-input', kind: 'invalid', errors: [{ field }] },
    });
  });

  it('takes an id of 200 characters of any script, and looks at no id that is not its own', () => {
    const longest = 'é'.repeat(200);
    expect(deliveryOf(arrival('{}', { 'Nats-Msg-Id': longest }))).toMatchObject({ id: longest });
    const headers = { 'Downbeat-Message-Id': 'own', 'Nats-Msg-Id': long };
    expect(deliveryOf(arrival(`{"command_id":"${long}"}`, headers))).toMatchObject({ id: 'own' });
  });

  it('is told of by its place where its id cannot be', () => {
    const place = '2026-01-01T00:00:00.000000001Z:7';
    expect(idOfMalformed(arrival('{', { 'Nats-Msg-Id': long }))).toBe(place);
    expect(idOfMalformed(arrival('{', { 'Nats-Msg-Id': 'good' }))).toBe('good');
  });
});
