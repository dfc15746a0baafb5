import { connect, headers, JSONCodec, type NatsConnection } from 'nats';
import { eventsOf } from './support/bookings';
import { eventually } from '@downbeat/test-bench';
import { first } from './support/first';
import { Suite } from './support/suite';

const COMMANDS = 1_000;
const DUPLICATES = 200;
const POISON = 50;
const json = JSONCodec();

interface Message {
  readonly id: string;
  readonly subject: string;
  readonly body: Uint8Array;
  /** Half of the senders name their command in a header, the others in the body. */
  readonly inHeader: boolean;
}

describe('commands on plain NATS', () => {
  let suite: Suite;
  let nats: NatsConnection;
  beforeAll(async () => {
    suite = await Suite.start({ demo: false });
    nats = await connect({ servers: suite.natsUrl });
  });
  afterAll(async () => {
    await nats.close();
    await suite.stop();
  });

  it('accounts for each of 1,000, a fifth of them repeated and a twentieth of them poison', async () => {
    const good = Array.from({ length: COMMANDS - DUPLICATES - POISON }, (_, n) => wellFormed(n));
    const poison = Array.from({ length: POISON }, (_, n) => malformed(n));
    const duplicates = good.slice(0, DUPLICATES);
    const messages = shuffled([...good, ...duplicates, ...poison]);
    expect(messages).toHaveLength(COMMANDS);

    for (const message of messages) send(message);
    await nats.flush();

    const processed = await eventually(
      () => eventsOf(suite, 'type=ServiceRegistered'),
      (events) => expect(events).toHaveLength(good.length),
      60_000,
    );
    const names = processed.map(({ data }) => String(data['service_name']));
    expect(new Set(names)).toEqual(new Set(good.map(({ id }) => id)));

    const letters = await eventually(
      deadLetters,
      (found) => expect(found).toHaveLength(POISON),
      30_000,
    );
    expect(new Set(letters.map(({ subject }) => subject))).toEqual(
      new Set(poison.map(({ subject }) => subject)),
    );
    expect(letters.every(({ reason }) => /service_version|JSON|colour/.test(reason))).toBe(true);
    await eventually(pending, (left) => expect(left).toBe(0));
  });

  it('answers a request with its outcome, and a repeated one with the same', async () => {
    const subject = 'command.registry.RegisterService.asked';
    const body = json.encode({ ...service('asked'), command_id: 'asked-once' });
    const first = json.decode((await nats.request(subject, body, { timeout: 30_000 })).data);
    expect(first).toMatchObject({
      accepted: true,
      repeated: false,
      answer: { service_id: 'asked' },
    });
    const again = json.decode((await nats.request(subject, body, { timeout: 30_000 })).data);
    expect(again).toMatchObject({
      accepted: true,
      repeated: true,
      answer: { service_id: 'asked' },
    });
  });

  it('acknowledges a JetStream publish when the command is committed, and refuses it by name', async () => {
    const js = nats.jetstream();
    const ack = await js.publish(
      'command.registry.RegisterService.acked',
      json.encode(service('acked')),
      { timeout: 30_000 },
    );
    expect(ack.seq).toBeGreaterThan(0);
    const events = await eventsOf(suite, 'stream=service-acked');
    expect(events).toHaveLength(1);
    await expect(
      js.publish(
        'command.registry.RegisterService.nacked',
        json.encode({ ...service('nacked'), colour: 'red' }),
        { timeout: 30_000 },
      ),
    ).rejects.toThrow(/colour/);
  });

  it('redrives a dead letter to its consumer, and removes it only when it was handled', async () => {
    const letter = first(await deadLetters());
    const redriven = await suite.request('POST', `/messages/dead-letters/${letter.id}/redrive`, {});
    expect(redriven.status).toBe(202);
    // It is as malformed as it was: back it comes, under its id, with more attempts.
    const back = await eventually(
      () => suite.get<DeadLetter>(`/messages/dead-letters/${letter.id}`),
      ({ status, attempts }) => {
        expect(status).toBe('quarantined');
        expect(attempts).toBeGreaterThan(letter.attempts);
      },
      30_000,
    );
    expect(back.reason).toBe(letter.reason);
    const discarded = await suite.request('POST', `/messages/dead-letters/${letter.id}/discard`, {
      reason: 'a planted fault',
    });
    expect(discarded.status).toBe(202);
    expect(await suite.get(`/messages/dead-letters/${letter.id}`)).toMatchObject({
      status: 'discarded',
    });
  });

  it('has a dead letter tried, mended and sent again, and many others given up at once', async () => {
    const all = await deadLetters();
    const letter = first(all.filter(({ reason }) => reason.includes('colour')));
    const path = `/messages/dead-letters/${letter.id}`;
    const name = letter.subject.split('.').at(-1) ?? '';
    const tried = await suite.request<Tried>('POST', `${path}/dry-run`, {});
    expect(tried.status).toBe(200);
    expect(tried.body).toMatchObject({
      ...{ would_send: true, schema: 'RegisterService', is_consumer_known: true },
      ...{ faults: [{ field: 'colour' }], sent_to: `retry.registry-commands.${letter.subject}` },
    });
    const worse = { expected_revision: 1, body_json: {}, reason: 'mended' };
    const refused = await suite.request<Tried>('POST', `${path}/edit`, worse);
    expect(refused.status).toBe(400);
    const mended = { ...worse, body_json: service(name) };
    expect((await suite.request('POST', `${path}/edit`, mended)).status).toBe(202);
    expect(await suite.get(`${path}/revisions/2`)).toMatchObject({
      ...{ faults: [], diff: { added: [], removed: ['/body/colour'], changed: [] } },
    });
    expect((await suite.request('POST', `${path}/redrive`, {})).status).toBe(202);
    await eventually(
      () => suite.get<DeadLetter>(path),
      ({ status }) => status === 'redriven',
    );
    expect(await eventsOf(suite, `stream=service-${name}`)).toHaveLength(1);

    const asked = { action: 'discard', filter: { status: 'quarantined', text: 'poison-' } };
    const preview = await suite.request<{ count: number; ticket: string }>(
      ...(['POST', '/messages/dead-letter-operation-preview', asked] as const),
    );
    expect(preview.status).toBe(200);
    const { count, ticket } = preview.body;
    const started = await suite.request('POST', '/messages/dead-letter-operations', {
      ...{ ...asked, operation_id: 'planted', reason: 'planted faults', rate_per_second: 200 },
      ...{ ticket, expected_count: count },
    });
    expect(started.status).toBe(202);
    await eventually(
      () => suite.get<Started>('/messages/dead-letter-operations/planted'),
      ({ operation }) => operation.status === 'completed' && operation.accepted === count,
    );
    expect(await deadLetters()).toHaveLength(all.length - 1 - count);
  });

  interface Tried {
    readonly faults: readonly { readonly field: string }[];
  }

  interface Started {
    readonly operation: { readonly status: string; readonly accepted: number };
  }

  interface DeadLetter {
    readonly id: string;
    readonly subject: string;
    readonly reason: string;
    readonly status: string;
    readonly attempts: number;
  }

  async function deadLetters(): Promise<readonly DeadLetter[]> {
    const { dead_letters } = await suite.get<{ dead_letters: DeadLetter[] }>(
      '/messages/dead-letters?status=quarantined&limit=200',
    );
    return dead_letters;
  }

  /** What lies on the registry's command stream and was not settled. */
  async function pending(): Promise<number> {
    const manager = await nats.jetstreamManager();
    return (await manager.streams.info('command-registry')).state.messages;
  }

  function send({ id, subject, body, inHeader }: Message): void {
    const header = headers();
    if (inHeader) header.set('Nats-Msg-Id', id);
    nats.publish(subject, body, { headers: header });
  }
});

const service = (name: string) => ({
  service_name: name,
  service_version: '1.0.0',
  service_type: 'worker',
  deployment_environment: 'staging',
  dependencies: [],
});

function wellFormed(n: number): Message {
  const id = `good-${n}`;
  const inHeader = n % 2 === 0;
  const body = { ...service(id), ...(inHeader ? {} : { command_id: id }) };
  return {
    id,
    subject: `command.registry.RegisterService.${id}`,
    body: json.encode(body),
    inHeader,
  };
}

/** Not JSON at all, a field of the wrong type, an unknown field. */
function malformed(n: number): Message {
  const id = `poison-${n}`;
  const bodies = [
    new TextEncoder().encode('{"service_version": '),
    json.encode({ ...service(id), service_version: 7 }),
    json.encode({ ...service(id), colour: 'red' }),
  ];
  const body = bodies[n % bodies.length] ?? new Uint8Array();
  return { id, subject: `command.registry.RegisterService.${id}`, body, inHeader: true };
}

/** The same order in every run: a shuffle by a small generator with a fixed seed. */
function shuffled<Item>(items: readonly Item[]): Item[] {
  let state = 20_261_120;
  const next = (): number => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648);
  return items
    .map((item) => ({ item, place: next() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}
