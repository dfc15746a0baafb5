import { z } from 'zod';
import { Handlers } from './handlers';
import { operation, OperationRefused, type CallInfo } from './operation';

const reserve = operation('reserve', {
  input: z.strictObject({ sku: z.string().min(1), count: z.number().int() }),
  output: z.object({ left: z.number() }),
});
const good = JSON.stringify({ sku: '4711', count: 2 });

let defects: unknown[];
let now: number;
const handlersWith = (
  handle: (input: { sku: string; count: number }, call: CallInfo) => unknown,
  more: { callsWaitingMax?: number; callWaitMs?: number } = {},
) => {
  const handlers = new Handlers({
    callsMax: 2,
    ...more,
    now: () => now,
    onDefect: (name, defect) => defects.push([name, defect]),
  });
  handlers.add(reserve, handle as never);
  return handlers;
};
const asked = async (handlers: Handlers, body = good, headers = {}) => {
  const { body: text, ...rest } = await handlers.answer('reserve', body, headers);
  return { ...rest, body: JSON.parse(text) as Record<string, unknown> };
};

beforeEach(() => {
  defects = [];
  now = 1_000;
});

it('gives the handler what was checked, and answers what it returns', async () => {
  const handlers = handlersWith(({ sku, count }) => ({ left: sku.length - count, more: 1 }));
  expect(await asked(handlers)).toEqual({ status: 200, body: { left: 2 } });
});

it.each([
  ['{"sku":"","count":1}', 400, 'invalid-input', 'sku'],
  ['{"sku":"a","count":1,"x":1}', 400, 'invalid-input', 'x'],
  ['', 400, 'invalid-input', ''],
  ['{', 400, 'invalid-json', ''],
  ['{"sku":"a","count":1,"__proto__":{}}', 400, expect.any(String), '__proto__'],
  [`"${'x'.repeat(1_100_000)}"`, 413, 'body-too-large', ''],
])('refuses %.40s before the handler sees it', async (body, status, code, field) => {
  const handle = jest.fn();
  const answer = await asked(handlersWith(handle), body);
  expect(answer).toMatchObject({ status, body: { status } });
  if (code !== 'invalid-json') expect(answer.body['code']).toEqual(code);
  const { errors = [{ field: '' }] } = answer.body as { errors?: { field: string }[] };
  expect(errors[0]?.field ?? '').toContain(field);
  expect(handle).not.toHaveBeenCalled();
});

it('passes on a refusal, and hides a defect from the caller but not from the service', async () => {
  const refusing = handlersWith(() => {
    throw new OperationRefused(409, 'sold out');
  });
  expect(await asked(refusing)).toMatchObject({ status: 409, body: { detail: 'sold out' } });
  expect(defects).toEqual([]);
  const broken = handlersWith(() => Promise.reject(new Error('password is hunter2')));
  const { status, body } = await asked(broken);
  expect([status, JSON.stringify(body).includes('hunter2')]).toEqual([500, false]);
  expect(defects).toEqual([
    ['reserve', expect.objectContaining({ message: 'password is hunter2' })],
  ]);
});

it('does not answer what its own schema refuses', async () => {
  expect(await asked(handlersWith(() => ({ left: 'many' })))).toMatchObject({ status: 500 });
  expect(defects).toHaveLength(1);
});

it('answers no more at once than it may, and says when to come again', async () => {
  const ends: (() => void)[] = [];
  const handlers = handlersWith(
    () => new Promise((resolve) => ends.push(() => resolve({ left: 0 }))),
    { callsWaitingMax: 0 },
  );
  const first = [asked(handlers), asked(handlers)];
  expect(await asked(handlers)).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
  for (const end of ends) end();
  expect((await Promise.all(first)).map(({ status }) => status)).toEqual([200, 200]);
  const last = asked(handlers);
  for (const end of ends) end();
  expect((await last).status).toBe(200);
});

it('lets those wait that are too many, critical ones before low ones, and for a bounded time', async () => {
  jest.useFakeTimers();
  const ends: (() => void)[] = [];
  const begun: string[] = [];
  const handlers = new Handlers({
    callsMax: 1,
    callsWaitingMax: 2,
    callWaitMs: 100,
    onDefect: (_, defect) => defects.push(defect),
  });
  handlers.add(reserve, ({ sku }, { priority }) => {
    begun.push(`${sku} ${priority}`);
    return new Promise((resolve) => ends.push(() => resolve({ left: 0 })));
  });
  const calls = ['first', 'low', 'low', 'low', 'critical', 'nonsense'].map((sku) =>
    handlers.answer('reserve', JSON.stringify({ sku, count: 1 }), { 'downbeat-priority': sku }),
  );
  // The line for low calls is full, the others' are not.
  expect((await calls[3])?.status).toBe(503);
  for (const _ of [1, 2, 3]) {
    ends.at(-1)?.();
    await jest.advanceTimersByTimeAsync(1);
  }
  expect(begun).toEqual(['first normal', 'critical critical', 'nonsense normal', 'low low']);
  await jest.advanceTimersByTimeAsync(200);
  expect((await calls[2])?.status).toBe(503);
  ends.at(-1)?.();
  const answers = await Promise.all(calls);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 503, 503, 200, 200]);
  await handlers.idle(1_000);
  expect(defects).toEqual([]);
  jest.useRealTimers();
});

it('does not begin when nobody waits any more, and says how long somebody does', async () => {
  const handle = jest.fn((_: unknown, call: CallInfo) => ({ left: call.leftMs() }));
  const handlers = handlersWith(handle);
  expect(await asked(handlers, good, { 'downbeat-time-left-ms': '0' })).toMatchObject({
    status: 504,
  });
  expect(handle).not.toHaveBeenCalled();
  const timed = await asked(handlers, good, { 'downbeat-time-left-ms': '250' });
  expect(timed.body).toEqual({ left: 250 });
});

it('tells the handler whose call it is, and aborts its signal when the time is over', async () => {
  jest.useFakeTimers();
  let seen: CallInfo | undefined;
  const handlers = handlersWith(async (_, call) => {
    seen = call;
    const { signal } = call;
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    return { left: 0 };
  });
  const answer = asked(handlers, good, {
    'idempotency-key': 'k1',
    'x-correlation-id': 'c1',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    'downbeat-time-left-ms': '100',
  });
  await jest.advanceTimersByTimeAsync(100);
  expect((await answer).status).toBe(200);
  expect(seen).toMatchObject({
    idempotencyKey: 'k1',
    correlationId: 'c1',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  });
  expect([seen?.signal.aborted, seen?.goneSignal.aborted]).toEqual([true, false]);
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

it('has no timer for a signal that is asked for when the call is over', async () => {
  jest.useFakeTimers();
  let seen: CallInfo | undefined;
  const handlers = handlersWith((_, call) => {
    seen = call;
    return { left: 0 };
  });
  await asked(handlers, good, { 'downbeat-time-left-ms': '100' });
  expect([seen?.signal.aborted, jest.getTimerCount()]).toEqual([false, 0]);
  jest.useRealTimers();
});

it('tells the handler that whoever asked has gone, whenever it asks', async () => {
  let go: () => void = () => undefined;
  const seen: boolean[] = [];
  const handlers = handlersWith((_, call) => {
    const early = call.goneSignal;
    go();
    seen.push(early.aborted, call.signal.aborted);
    return { left: 0 };
  });
  await handlers.answer('reserve', good, {}, (gone) => (go = gone));
  handlers.add(operation('late', { input: reserve.input, output: reserve.output }), (_, call) => {
    seen.push(call.goneSignal.aborted);
    return { left: 0 };
  });
  await handlers.answer('late', good, {}, (gone) => gone());
  expect(seen).toEqual([true, true, true]);
});

it.each(['order-€7', '', 'a\nb', 'x'.repeat(1_025)])(
  'does not go on with a correlation id that can be no header: %.10j',
  async (said) => {
    let seen = '';
    const handlers = handlersWith((_, { correlationId }) => {
      seen = correlationId;
      return { left: 0 };
    });
    await asked(handlers, good, { 'x-correlation-id': said });
    expect(seen).toMatch(/^[0-9a-f-]{36}$/);
  },
);

it('knows each operation once', async () => {
  const handlers = handlersWith(() => ({ left: 0 }));
  expect(() => handlers.add(reserve, () => ({ left: 0 }))).toThrow('two handlers for reserve');
  expect((await handlers.answer('other', '{}', {})).status).toBe(404);
  expect(() => operation('Not one', reserve)).toThrow(RangeError);
  expect(() => new OperationRefused(500, 'who knows')).toThrow(RangeError);
});

it('says when nothing is under way, and does not wait for ever', async () => {
  let end: () => void = () => undefined;
  const handlers = handlersWith(() => new Promise((resolve) => (end = () => resolve({ left: 0 }))));
  await handlers.idle(60_000);
  const answer = asked(handlers);
  await handlers.idle(10);
  const idle = handlers.idle(60_000);
  end();
  await idle;
  expect((await answer).status).toBe(200);
});
