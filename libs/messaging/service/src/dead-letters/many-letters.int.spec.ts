import { messagingContract, type AnswerOf } from '@downbeat/contracts';
import { eventually } from '@downbeat/event-store/testing';
import type { JsonObject } from '@downbeat/eventsourcing';
import { startService, type RunningService } from '@downbeat/service-host';
import { MessagingModule } from '../messaging.module';
import { CONSUMER, QuarantineBench } from '../testing/quarantine-bench';

type List = AnswerOf<typeof messagingContract.listDeadLetters>;
type Letter = AnswerOf<typeof messagingContract.getDeadLetter>;
type Revision = AnswerOf<typeof messagingContract.getDeadLetterRevision>;
type DryRun = AnswerOf<typeof messagingContract.dryRunDeadLetter>;
type Preview = AnswerOf<typeof messagingContract.previewLetterOperation>;
type Operation = AnswerOf<typeof messagingContract.getLetterOperation>;
type Operations = AnswerOf<typeof messagingContract.listLetterOperations>;

let bench: QuarantineBench;
let services: RunningService[] = [];

beforeAll(async () => {
  bench = await QuarantineBench.open('many_letters');
  const environment = {
    ...{ NATS_URL: bench.natsUrl, NATS_PREFIX: bench.prefix, LOG_LEVEL: 'error' },
    ...{ DATABASE_URL_MESSAGING: bench.database.urlOf('messaging'), HOST: '127.0.0.1', PORT: '0' },
  };
  // Two replicas: whichever answers, and whichever works.
  for (const name of ['one', 'two'])
    services.push(await startService({ name, module: MessagingModule }, environment));
});
afterAll(async () => {
  for (const service of services) await service.stop();
  services = [];
  await bench.close();
});

const query = async (name: string, input: JsonObject, more: JsonObject = {}) =>
  bench.bus.query(`query.messaging.${name}`, { input, ...more }, { timeoutMs: 20_000 });
const answer = async <Answer>(
  name: string,
  input: JsonObject,
  more: JsonObject = {},
): Promise<Answer> => {
  const outcome = await query(name, input, more);
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.problem));
  return outcome.data as Answer;
};
const list = (input: JsonObject = {}, more: JsonObject = {}) =>
  answer<List>('list-dead-letters', input, more);
const get = (id: string, more: JsonObject = {}) =>
  answer<Letter>('get-dead-letter', { dead_letter_id: id }, more);
const dryRun = (id: string, more: JsonObject = {}) =>
  answer<DryRun>('dry-run-dead-letter', { dead_letter_id: id, ...more });
const operation = (id: string) =>
  answer<Operation>('get-dead-letter-operation', { operation_id: id });
const command = (name: string, id: string, body: JsonObject) =>
  bench.bus.command(`command.messaging.${name}.${id}`, body, { actor: 'olga', timeoutMs: 30_000 });
const accepted = async (name: string, id: string, body: JsonObject) => {
  const outcome = await command(name, id, body);
  if (!outcome.accepted) throw new Error(JSON.stringify(outcome.problem));
  return outcome.answer;
};
const edit = (id: string, body: JsonObject) =>
  command('EditDeadLetter', id, { reason: 'the version was missing', ...body });
const poisonous = (reason: string) => {
  bench.handle = () => ({ outcome: 'dead-letter', reason });
};
const poisonAll = async (lead: string, count: number, reason: string): Promise<string[]> => {
  poisonous(reason);
  const ids: string[] = [];
  for (let n = 1; n <= count; n++) ids.push(await bench.poison(`${lead}-${n}`));
  return ids;
};
const head = async (): Promise<number> => {
  const outcome = await query('list-dead-letters', { limit: 1 });
  return outcome.ok ? outcome.position : 0;
};
const ended = (id: string) =>
  eventually(async () => {
    const found = (await operation(id)).operation;
    expect(found.status).not.toBe('running');
    return found;
  }, 60_000);

const GOOD = {
  ...{ service_version: '1.4.0', service_type: 'api', deployment_environment: 'staging' },
  dependencies: [],
};

describe('an edit of a dead letter', () => {
  it('is what is sent, while the original is kept', async () => {
    const [id = ''] = await poisonAll('edited', 1, 'service_version is required');
    const dry = await dryRun(id, { body_json: GOOD });
    expect(dry).toMatchObject({
      ...{ would_send: true, subject: 'command.registry.RegisterService.edited-1', faults: [] },
      ...{ sent_to: `retry.${CONSUMER}.command.registry.RegisterService.edited-1`, revision: 1 },
      ...{ consumer: CONSUMER, is_consumer_known: true, schema: 'RegisterService' },
    });
    expect(dry.diff.removed).toEqual(['/body/port']);

    const refused = await edit(id, { expected_revision: 1, body: '{"service_version": "1"}' });
    expect(refused).toMatchObject({ problem: { code: 'dead-letter-breaks-schema' } });
    const fields = refused.accepted ? [] : (refused.problem.errors ?? []).map(({ field }) => field);
    expect(fields).toEqual(expect.arrayContaining(['service_version', 'service_type']));
    expect((await get(id)).revision).toBe(1);

    const edited = await edit(id, { expected_revision: 1, body_json: GOOD });
    expect(edited).toMatchObject({ accepted: true, answer: { revision: 2, faults: [] } });
    expect(await edit(id, { expected_revision: 1, body_json: {}, force: true })).toMatchObject({
      problem: { code: 'dead-letter-revision-differs', errors: [{ field: 'expected_revision' }] },
    });
    expect(await get(id)).toMatchObject({ revision: 2, body_json: { port: 70_000 } });
    const asked = { dead_letter_id: id };
    expect(
      await answer<Revision>('get-dead-letter-revision', { ...asked, revision: 2 }),
    ).toMatchObject({
      body_json: GOOD,
      schema: 'RegisterService',
      diff: { removed: ['/body/port'] },
    });
    expect(
      await answer<Revision>('get-dead-letter-revision', { ...asked, revision: 1 }),
    ).toMatchObject({ body_json: { port: 70_000 }, diff: { removed: [], added: [] } });
    expect(await query('get-dead-letter-revision', { ...asked, revision: 3 })).toMatchObject({
      problem: { code: 'revision-unknown' },
    });

    bench.fix();
    await accepted('RedriveDeadLetter', id, { reason: 'now it fits' });
    await eventually(async () => expect((await get(id)).status).toBe('redriven'));
    expect(bench.seen.at(-1)).toMatchObject({ id: 'm-edited-1', body: GOOD, actor: 'ann' });
    const { history } = await get(id);
    expect(history.map(({ what, by }) => [what, by])).toEqual([
      ['quarantined', 'messaging'],
      ['edited', 'olga'],
      ['redriven', 'olga'],
      ['handled', 'messaging'],
    ]);
    expect(await dryRun(id)).toMatchObject({
      ...{ would_send: false, refusal: { code: 'dead-letter-handled' } },
    });
  });

  it('that nobody could be sent is refused by its field, and nothing is kept', async () => {
    const [id = ''] = await poisonAll('hostile', 1, 'a bug');
    for (const [field, wrong] of [
      ['subject', { subject: 'command.health.ReportHealth.x' }],
      ['subject', { subject: 'command.registry.>' }],
      ['headers.Nats-Msg-Id', { headers: { 'Nats-Msg-Id': 'x' } }],
      ['headers.tenant', { headers: { tenant: 'a\nb' } }],
      ['body_json', { body: '{}', body_json: {} }],
      ['expected_revision', { expected_revision: 7, body_json: GOOD }],
    ] as const) {
      const outcome = await edit(id, { expected_revision: 1, force: true, ...wrong });
      expect(outcome).toMatchObject({ accepted: false, problem: { errors: [{ field }] } });
    }
    const kept = await bench.database.as('messaging', (client) =>
      client.query('select from log.dead_letter_content where letter_id = $1', [id]),
    );
    expect(kept.rowCount).toBe(0);
    expect(await get(id)).toMatchObject({ revision: 1, status: 'quarantined' });
    bench.fix();
  });
});

describe('what was told of dead letters', () => {
  it('shows them as they were', async () => {
    const [id = ''] = await poisonAll('past', 1, 'invalid-input: card must be short, got "4111"');
    const letter = await get(id);
    const before = await head();
    await accepted('DiscardDeadLetter', id, { reason: 'a test message' });
    const { cause } = letter;
    expect((await list({ cause })).by_status).toMatchObject({ quarantined: 0, discarded: 1 });
    const past = await list({ cause }, { at: before });
    expect(past.by_status).toEqual({ quarantined: 1, redriving: 0, redriven: 0, discarded: 0 });
    expect(past.dead_letters).toMatchObject([
      {
        ...{ id, status: 'quarantined', body_json: { port: 70_000 }, attempts: 1, redrives: 0 },
        reason: 'invalid-input: card must be short, got ?',
      },
    ]);
    expect(past.groups).toMatchObject([{ cause, count: 1, sample_id: id }]);
    const was = await get(id, { at: before });
    expect([was.status, was.history.length]).toEqual(['quarantined', 1]);
    expect((await get(id)).history).toHaveLength(2);
    expect(await query('get-dead-letter', { dead_letter_id: id }, { at: 0 })).toMatchObject({
      problem: { code: 'dead-letter-unknown' },
    });
  });

  it('finds them by every filter', async () => {
    const [id = ''] = await poisonAll('found', 1, 'the Moon is in the way');
    const { quarantined_at: at, correlation_id } = await get(id);
    const later = new Date(Date.parse(at) + 1).toISOString();
    const subject = 'command.registry.RegisterService.found-1';
    for (const filter of [
      ...[{ text: 'the moon' }, { text: 'M-FOUND-1' }, { subject }, { correlation_id }],
      { quarantined_from: at, quarantined_before: later },
    ]) {
      expect((await list(filter)).dead_letters.map((one) => one.id)).toEqual([id]);
      const then = await head();
      expect((await list(filter, { at: then })).dead_letters.map((one) => one.id)).toEqual([id]);
    }
    for (const filter of [
      ...[{ text: '%' }, { subject: 'x' }, { quarantined_before: at, text: 'the moon' }],
      ...[{ service_name: 'shop' }, { topic: 'paid' }],
    ])
      expect((await list(filter)).dead_letters).toEqual([]);
  });
});

describe('an operation on many letters', () => {
  it('is previewed, and refused when other letters fit by then', async () => {
    const [first = ''] = await poisonAll('previewed', 3, 'a cause of its own');
    const { cause } = await get(first);
    const asked = { action: 'redrive', filter: { cause } };
    const preview = await answer<Preview>('preview-dead-letter-operation', asked);
    expect(preview).toMatchObject({ count: 3, ticket: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(preview.sample.map(({ dead_letter_id }) => dead_letter_id)[0]).toBe(first);
    expect(preview.sample[0]).toMatchObject({ schema: 'RegisterService', is_consumer_known: true });
    expect(preview.sample[0]?.faults.length).toBeGreaterThan(0);
    await poisonAll('previewed-late', 1, 'a cause of its own');
    const { ticket = '' } = preview;
    const start = (more: JsonObject) =>
      command('StartDeadLetterOperation', 'previewed', {
        ...{ ...asked, reason: 'fixed', rate_per_second: 100, ...more },
      });
    for (const [code, more] of [
      ['operation-letters-differ', { ticket }],
      ['operation-count-differs', { expected_count: 3 }],
      ['operation-empty', { filter: { cause: 'none' } }],
      ['invalid-input', { filter: {} }],
      ['invalid-input', { include_unresolved: true }],
    ] as const)
      expect(await start(more)).toMatchObject({ accepted: false, problem: { code } });
    expect(await query('get-dead-letter-operation', { operation_id: 'previewed' })).toMatchObject({
      problem: { code: 'operation-unknown' },
    });

    bench.fix();
    expect(await start({ expected_count: 4 })).toMatchObject({ answer: { count: 4 } });
    expect(await start({ expected_count: 4 })).toMatchObject({ answer: { count: 4 } });
    const found = await eventually(async () => {
      const { operation: shown } = await operation('previewed');
      expect(shown).toMatchObject({ status: 'completed', handled: 4 });
      return shown;
    }, 60_000);
    expect(found).toMatchObject({ accepted: 4, remaining: 0, failed_again: 0, started_by: 'olga' });
    expect(bench.deliveriesOf('previewed-1')).toBe(2);
    const { operations } = await answer<Operations>('list-dead-letter-operations', {});
    expect(operations.map(({ operation_id }) => operation_id)).toContain('previewed');
  });

  it('ends itself when too many fail again, and leaves the others alone', async () => {
    const ids = await poisonAll('failing', 30, 'a cause that stays');
    const { cause } = await get(ids[0] ?? '');
    await accepted('StartDeadLetterOperation', 'failing', {
      ...{ action: 'redrive', filter: { cause }, reason: 'a try' },
      ...{ rate_per_second: 1, stop_after_failures: 2 },
    });
    const found = await ended('failing');
    expect(found).toMatchObject({
      ...{ status: 'aborted', aborted_because: '2 of its letters have failed again' },
    });
    expect(found.remaining).toBeGreaterThan(0);
    expect(found.failed_again).toBeGreaterThanOrEqual(2);
    const { items } = await operation('failing');
    expect(items.map(({ status }) => status)).toEqual([
      ...new Array<string>(found.accepted).fill('accepted'),
      ...new Array<string>(found.remaining).fill('waiting'),
    ]);
    const last = await get(ids.at(-1) ?? '');
    expect(last).toMatchObject({ redrives: 0, status: 'quarantined' });
    const again = await get(ids[0] ?? '');
    expect(again).toMatchObject({ redrives: 1, status: 'quarantined', attempts: 2 });
  });

  it('is aborted by whoever says why', async () => {
    const ids = await poisonAll('slow', 10, 'a slow cause');
    const { cause } = await get(ids[0] ?? '');
    await accepted('StartDeadLetterOperation', 'slow', {
      ...{ action: 'discard', filter: { cause }, reason: 'test messages', rate_per_second: 1 },
    });
    await accepted('AbortDeadLetterOperation', 'slow', { reason: 'a mistake' });
    const found = await ended('slow');
    expect(found).toMatchObject({ status: 'aborted', aborted_because: 'a mistake' });
    expect(found.remaining).toBeGreaterThan(0);
    expect(await command('AbortDeadLetterOperation', 'nothing', { reason: 'x' })).toMatchObject({
      problem: { code: 'operation-unknown' },
    });
  });

  it('discards and purges; what was purged is gone, and that it was stays', async () => {
    const ids = await poisonAll('purged', 3, 'a cause to be purged of "4111"');
    const [id = ''] = ids;
    const { cause } = await get(id);
    const all = (action: string, more: JsonObject = {}) =>
      accepted('StartDeadLetterOperation', `${action}-all`, {
        ...{ action, filter: { cause }, reason: 'test messages', rate_per_second: 100, ...more },
      });
    expect(await command('PurgeDeadLetter', id, { reason: 'x' })).toMatchObject({
      problem: { code: 'dead-letter-unresolved' },
    });
    const none = await answer<Preview>('preview-dead-letter-operation', {
      ...{ action: 'purge', filter: { cause } },
    });
    expect(none).toEqual({ count: 0, sample: [] });
    await edit(id, { expected_revision: 1, body_json: GOOD });
    await all('discard');
    expect(await ended('discard-all')).toMatchObject({ status: 'completed', accepted: 3 });
    await all('purge');
    expect(await ended('purge-all')).toMatchObject({ status: 'completed', accepted: 3 });
    expect(await get(id)).toMatchObject({
      ...{ is_purged: true, status: 'discarded', body: '', headers: {}, reason: 'purged' },
    });
    expect((await get(id)).history.at(-1)).toMatchObject({
      ...{ what: 'purged', operation_id: 'purge-all', reason: 'test messages' },
    });
    expect(await query('dry-run-dead-letter', { dead_letter_id: id })).toMatchObject({
      problem: { code: 'dead-letter-purged' },
    });
    const left = await bench.database.as('messaging', (client) =>
      client.query('select from log.dead_letter_content where letter_id = $1', [id]),
    );
    expect(left.rowCount).toBe(0);
  });
});
