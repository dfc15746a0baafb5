import { randomUUID } from 'node:crypto';
import { eventually, LogDatabase } from '@downbeat/event-store/testing';
import { startService, type RunningService } from '@downbeat/service-host';
import { connect, type NatsConnection } from 'nats';
import { OrchestratorModule } from './orchestrator.module';

const prefix = `t${randomUUID().slice(0, 8)}`;
const LETTER_ID = '0198c2a4-7d1e-8c3b-9a52-3f1f0a9f3c11';

let database: LogDatabase;
let service: RunningService;
let nats: NatsConnection;

beforeAll(async () => {
  const natsUrl = process.env['DOWNBEAT_TEST_NATS_URL'];
  if (natsUrl === undefined) throw new Error('DOWNBEAT_TEST_NATS_URL is not set');
  database = await LogDatabase.create('orchestrator');
  Object.assign(process.env, {
    NATS_URL: natsUrl,
    NATS_PREFIX: prefix,
    DATABASE_URL_MESSAGING: database.urlOf('messaging'),
    DATABASE_URL_AUDIT: database.urlOf('audit'),
    LOG_LEVEL: 'error',
    HOST: '127.0.0.1',
    PORT: '0',
  });
  service = await startService({ name: 'orchestrator', module: OrchestratorModule });
  nats = await connect({ servers: natsUrl });
});
afterAll(async () => {
  const manager = await nats.jetstreamManager();
  await service.stop();
  for await (const name of manager.streams.names())
    if (name.startsWith(`${prefix}-`)) await manager.streams.delete(name);
  await nats.close();
  await database.drop();
});

const request = async (subject: string, body: object): Promise<unknown> =>
  (await nats.request(`${prefix}.${subject}`, JSON.stringify(body), { timeout: 20_000 })).json();

describe('the orchestrator', () => {
  it('is ready with both contexts', async () => {
    // Its read models are built for the first time.
    const response = await eventually(async () => {
      const found = await fetch(`${service.url}/health/detailed`);
      expect(found.status).toBe(200);
      return found;
    });
    const { checks } = (await response.json()) as { checks: Record<string, { isReady: boolean }> };
    expect(checks).toMatchObject({ messaging: { isReady: true }, audit: { isReady: true } });
  });

  it('takes a command with plain NATS, and the audit has what was decided', async () => {
    await database.as('registry', (client) =>
      client.query(
        `insert into log.dead_letter
           (id, consumer, subject, message_id, reason, cause, attempts, headers, body, correlation_id)
         values ($1, 'registry-commands', 'command.registry.RegisterService.x', 'm', 'a bug', 'c', 1,
                 '{}', '{}', 'k')`,
        [LETTER_ID],
      ),
    );
    const discard = `command.messaging.DiscardDeadLetter.${LETTER_ID}`;
    expect(await request(discard, { reason: 'a test' })).toMatchObject({
      accepted: true,
      // It was told first that there is such a letter.
      position: 2,
      answer: { dead_letter_id: LETTER_ID, status: 'discarded' },
    });
    const input = { stream: `dead-letter-${LETTER_ID}` };
    expect(await request('query.audit.replay', { input })).toMatchObject({
      ok: true,
      position: 2,
      data: { streams: [{ state: { status: 'discarded', reason: 'a test' } }] },
    });
    expect(await request('query.audit.verify', {})).toMatchObject({
      data: { hash_chain: { is_intact: true, commits: 2, events: 2 } },
    });
  });
});
