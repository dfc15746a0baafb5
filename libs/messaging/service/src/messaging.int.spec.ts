import { messagingContract, type AnswerOf } from '@downbeat/contracts';
import { eventually } from '@downbeat/event-store/testing';
import type { JsonObject } from '@downbeat/eventsourcing';
import { deadLetterStream, type DeadLetterEvent } from '@downbeat/messaging-domain';
import { startService, type RunningService } from '@downbeat/service-host';
import { connect, headers, type NatsConnection } from 'nats';
import { MessagingModule } from './messaging.module';
import { CONSUMER, HANDLED, QuarantineBench } from './testing/quarantine-bench';

type List = AnswerOf<typeof messagingContract.listDeadLetters>;
type Letter = AnswerOf<typeof messagingContract.getDeadLetter>;
const UNKNOWN_ID = '0198c2a4-7d1e-7c3b-9a52-3f1f0a9f3c11';

let bench: QuarantineBench;
let service: RunningService;
/** Any other client. */
let nats: NatsConnection;

beforeAll(async () => {
  bench = await QuarantineBench.open('messaging');
  nats = await connect({ servers: bench.natsUrl });
  Object.assign(process.env, {
    NATS_URL: bench.natsUrl,
    NATS_PREFIX: bench.prefix,
    DATABASE_URL_MESSAGING: bench.database.urlOf('messaging'),
    LOG_LEVEL: 'error',
    HOST: '127.0.0.1',
    PORT: '0',
  });
  service = await startService({ name: 'orchestrator', module: MessagingModule });
});
afterAll(async () => {
  await service.stop();
  await nats.close();
  await bench.close();
});

const ask = async (name: string, input: JsonObject = {}, more: JsonObject = {}) =>
  bench.bus.query(`query.messaging.${name}`, { input, ...more }, { timeoutMs: 30_000 });
const list = async (input: JsonObject = {}): Promise<List> => {
  const outcome = await ask('list-dead-letters', input);
  if (!outcome.ok) throw new Error(outcome.problem.message);
  return messagingContract.listDeadLetters.answer.parse(outcome.data);
};
async function pagesOf(input: JsonObject): Promise<readonly List[]> {
  const pages: List[] = [];
  let cursor: string | undefined;
  do {
    const page = await list({ ...input, ...(cursor === undefined ? {} : { cursor }) });
    pages.push(page);
    cursor = page.next_cursor;
  } while (cursor !== undefined);
  return pages;
}
const idsOf = (pages: readonly List[]) =>
  pages.flatMap(({ dead_letters }) => dead_letters.map(({ id }) => id));
const get = async (id: string): Promise<Letter> => {
  const outcome = await ask('get-dead-letter', { dead_letter_id: id });
  if (!outcome.ok) throw new Error(outcome.problem.code);
  return messagingContract.getDeadLetter.answer.parse(outcome.data);
};
const command = (name: string, id: string, body: JsonObject, commandId?: string) =>
  bench.bus.command(`command.messaging.${name}.${id}`, body, {
    actor: 'olga',
    ...(commandId === undefined ? {} : { id: commandId }),
  });
const redrive = (id: string, commandId?: string) =>
  command('RedriveDeadLetter', id, { reason: 'the bug is fixed' }, commandId);
const discard = (id: string) => command('DiscardDeadLetter', id, { reason: 'a test message' });
/** What operators did. */
const events = async (id: string) =>
  (await bench.database.store('messaging').load<DeadLetterEvent>(deadLetterStream(id))).filter(
    ({ meta }) => meta.actor !== 'messaging',
  );
const poisonous = (reason: string) => {
  bench.handle = () => ({ outcome: 'dead-letter', reason });
};

describe('a poison command', () => {
  it('is listed with its reason, its headers and its body, and with its kind', async () => {
    poisonous('invalid-input: port must be at most 65535, got 70000');
    const first = await bench.poison('grouped-1', { port: 70_000 });
    poisonous('invalid-input: port must be at most 65535, got 99999');
    const second = await bench.poison('grouped-2', { port: 99_999 });

    const { dead_letters, groups } = await list({ consumer: CONSUMER });
    const [newest, older] = dead_letters;
    expect([newest?.id, older?.id]).toEqual([second, first]);
    expect(older).toMatchObject({
      subject: 'command.registry.RegisterService.grouped-1',
      consumer: CONSUMER,
      message_id: 'm-grouped-1',
      reason: 'invalid-input: port must be at most 65535, got 70000',
      attempts: 1,
      status: 'quarantined',
      body: '{"port":70000}',
      body_json: { port: 70_000 },
      correlation_id: 'k-grouped-1',
    });
    expect(older?.headers).toMatchObject({ 'Downbeat-Actor': 'ann' });
    const group = groups.find(({ cause }) => cause === newest?.cause);
    expect(group).toEqual({
      cause: older?.cause,
      consumer: CONSUMER,
      reason: newest?.reason,
      count: 2,
      first_at: older?.quarantined_at,
      last_at: newest?.quarantined_at,
      sample_id: second,
      per_hour: [...new Array<number>(23).fill(0), 2],
    });
  });

  it('is handled once when it is redriven, and its row says so', async () => {
    poisonous('a bug');
    const id = await bench.poison('fixed');
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    bench.handle = () => opened.then(() => HANDLED);
    for (const again of [await redrive(id), await redrive(id)])
      expect(again).toMatchObject({
        accepted: true,
        answer: { dead_letter_id: id, status: 'redriving' },
      });
    expect(await discard(id)).toMatchObject({ problem: { code: 'dead-letter-redriving' } });
    open();
    await eventually(async () => expect((await get(id)).status).toBe('redriven'));
    expect(await get(id)).toMatchObject({ resolution: 'handled', resolved_at: expect.any(String) });
    expect(bench.deliveriesOf('fixed')).toBe(2);
    expect(bench.seen.at(-1)).toMatchObject({
      id: 'm-fixed',
      body: { port: 70_000 },
      actor: 'ann',
    });

    const recorded = await events(id);
    expect(recorded.map(({ type, meta }) => [type, meta.actor])).toEqual([
      ['DeadLetterRedriven', 'olga'],
    ]);
    for (const again of [await redrive(id), await discard(id)])
      expect(again).toMatchObject({ problem: { code: 'dead-letter-handled', kind: 'conflict' } });
  });

  it('comes back under the same id when it fails again, with its attempts added', async () => {
    poisonous('a bug');
    const id = await bench.poison('still-broken');
    poisonous('another bug');
    const first = await redrive(id, 'redrive-still-broken');
    await eventually(async () => expect((await get(id)).status).toBe('quarantined'));
    expect(await get(id)).toMatchObject({ attempts: 2, reason: 'another bug' });
    // The first answer, and no second redrive.
    const { repeated: _, ...answered } = first as typeof first & { readonly repeated: boolean };
    expect(await redrive(id, 'redrive-still-broken')).toMatchObject(answered);
    expect(bench.deliveriesOf('still-broken')).toBe(2);

    bench.fix();
    await redrive(id);
    await eventually(async () => expect((await get(id)).status).toBe('redriven'));
    const recorded = await events(id);
    expect(recorded.map(({ data }) => 'redrive' in data && data.redrive)).toEqual([1, 2]);
  });

  it('is found by an id in capitals', async () => {
    poisonous('a bug');
    const id = await bench.poison('capitals');
    bench.fix();
    expect(await redrive(id.toUpperCase())).toMatchObject({ answer: { dead_letter_id: id } });
    await eventually(async () => expect((await get(id)).status).toBe('redriven'));
  });

  it('can be discarded, with who and why in the log, and is never redriven then', async () => {
    poisonous('a bug');
    const id = await bench.poison('discarded');
    expect(await discard(id)).toMatchObject({
      accepted: true,
      answer: { dead_letter_id: id, status: 'discarded' },
    });
    expect(await discard(id)).toMatchObject({ accepted: true });
    expect(await get(id)).toMatchObject({ status: 'discarded', resolution: 'a test message' });
    const recorded = await events(id);
    expect(recorded).toMatchObject([
      {
        type: 'DeadLetterDiscarded',
        data: { reason: 'a test message' },
        meta: { actor: 'olga' },
      },
    ]);
    expect(await redrive(id)).toMatchObject({
      problem: { code: 'dead-letter-discarded', kind: 'conflict' },
    });
    expect(bench.deliveriesOf('discarded')).toBe(1);
  });
});

describe('what is not there', () => {
  it('cannot be redriven, discarded or looked at', async () => {
    const unknown = { code: 'dead-letter-unknown', kind: 'not-found' };
    expect(await redrive(UNKNOWN_ID)).toMatchObject({ problem: unknown });
    expect(await discard(UNKNOWN_ID)).toMatchObject({ problem: unknown });
    const asked = await ask('get-dead-letter', { dead_letter_id: UNKNOWN_ID });
    expect(asked).toMatchObject({ ok: false, problem: unknown });
  });

  it('has no future, and no place behind a cursor that was made up', async () => {
    const cursor = Buffer.from('2026-99-01T00:00:00.000Z x').toString('base64url');
    expect(await ask('list-dead-letters', { cursor })).toMatchObject({
      problem: { kind: 'invalid', errors: [{ field: 'cursor' }] },
    });
    expect(await ask('list-dead-letters', {}, { at: 1_000_000 })).toMatchObject({
      problem: { kind: 'invalid', errors: [{ field: 'at' }] },
    });
  });
});

describe('the list', () => {
  it('goes from the newest to the oldest, page by page, by every filter', async () => {
    poisonous('paged');
    const ids: string[] = [];
    for (const n of [1, 2, 3, 4, 5]) ids.unshift(await bench.poison(`paged-${n}`));
    const cause = (await get(ids[0] ?? '')).cause;
    const pages = await pagesOf({ cause, limit: 2 });
    expect(pages.map((page) => page.dead_letters.length)).toEqual([2, 2, 1]);
    expect(pages.map((page) => page.total_count)).toEqual([5, 5, 5]);
    expect(idsOf(pages)).toEqual(ids);

    // Of one moment: by id then, and none is left out between two pages.
    await bench.database.asOwner((owner) =>
      owner.query('update log.dead_letter set quarantined_at = now() where cause = $1', [cause]),
    );
    expect(idsOf(await pagesOf({ cause, limit: 2 }))).toEqual([...ids].sort());

    await discard(ids[0] ?? '');
    const discarded = await list({ cause, status: 'discarded' });
    expect(discarded.dead_letters.map(({ id }) => id)).toEqual([ids[0]]);
    expect(discarded.groups.map(({ count }) => count)).toEqual([1]);
    expect((await list({ consumer: 'nobody' })).dead_letters).toEqual([]);
  });

  it('holds what fits into an answer', async () => {
    poisonous('large');
    for (let n = 1; n <= 24; n++) await bench.poison(`large-${n}`, { text: 'ä'.repeat(60_000) });
    const [newest] = (await list({ limit: 1 })).dead_letters;
    const pages = await pagesOf({ cause: newest?.cause ?? '' });
    expect(pages.length).toBeGreaterThan(1);
    const found = pages.flatMap(({ dead_letters }) => dead_letters);
    expect(new Set(found.map(({ id }) => id)).size).toBe(24);
    expect(found.every((one) => one.is_body_cut && one.body_bytes > 120_000)).toBe(true);
    const whole = { text: 'ä'.repeat(60_000) };
    expect(await get(found[0]?.id ?? '')).toMatchObject({
      body: JSON.stringify(whole),
      body_json: whole,
      is_body_cut: false,
    });
  });

  it('has the very bytes that came, and sends them again', async () => {
    const bytes = Buffer.from([0xef, 0xbb, 0xbf, 0x22, 0xff, 0x00, 0x22]);
    const sent = headers();
    sent.set('Nats-Msg-Id', 'm-bytes');
    nats.publish(`${bench.prefix}.command.registry.RegisterService.bytes`, bytes, {
      headers: sent,
    });
    const letter = await eventually(async () => {
      const [newest] = (await list({ limit: 1 })).dead_letters;
      expect(newest?.message_id).toBe('m-bytes');
      return newest;
    });
    expect(letter).toMatchObject({
      reason: 'body is not UTF-8',
      body: bytes.toString('base64'),
      body_encoding: 'base64',
      body_bytes: bytes.length,
    });
    const again = nats.subscribe(`${bench.prefix}.retry.>`, { max: 1, timeout: 10_000 });
    await nats.flush();
    await redrive(letter?.id ?? '');
    for await (const { data } of again) expect(Buffer.from(data)).toEqual(bytes);
    await eventually(async () => expect((await get(letter?.id ?? '')).attempts).toBe(2));
    expect((await get(letter?.id ?? '')).body).toBe(bytes.toString('base64'));
  });

  it('shows what is no JSON as text', async () => {
    const sent = headers();
    sent.set('Nats-Msg-Id', 'm-text');
    nats.publish(`${bench.prefix}.command.registry.RegisterService.text`, '{"port": ', {
      headers: sent,
    });
    await nats.flush();
    await eventually(async () => {
      const { dead_letters } = await list({ limit: 1 });
      expect(dead_letters[0]).toMatchObject({ message_id: 'm-text', body: '{"port": ' });
      expect(dead_letters[0]?.reason).toMatch(/not JSON/);
    });
  });
});
