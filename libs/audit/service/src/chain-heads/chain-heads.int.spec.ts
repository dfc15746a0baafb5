import { randomUUID } from 'node:crypto';
import { auditContract, type AnswerOf } from '@downbeat/contracts';
import type { PostgresEventStore } from '@downbeat/event-store';
import { eventually, LogDatabase } from '@downbeat/event-store/testing';
import type { StreamName } from '@downbeat/eventsourcing';
import { NatsMessageBus } from '@downbeat/message-bus';
import { removeStreams } from '@downbeat/message-bus/testing';
import { startService, type RunningService } from '@downbeat/service-host';
import { Logger } from '@nestjs/common';
import { AuditModule } from '../audit.module';
import { rewriteLog } from '../testing/rewrite-log';
import type { ChainHead } from './chain-heads';
import { HeadPublisher } from './head-publisher';

type Verification = AnswerOf<typeof auditContract.verify>;
const SUBJECT = auditContract.chainHeadSubject('log');

describe('heads of the chain, published outside the database', () => {
  let database: LogDatabase;
  let store: PostgresEventStore;
  let bus: NatsMessageBus;
  let prefix: string;
  let url: string;
  const running = new Set<RunningService>();

  beforeEach(async () => {
    url = process.env['DOWNBEAT_TEST_NATS_URL'] ?? '';
    prefix = `t${randomUUID().slice(0, 8)}`;
    database = await LogDatabase.create('chain_heads');
    store = database.store('registry');
    bus = await NatsMessageBus.connect({ url, prefix, name: 'test' });
  });
  afterEach(async () => {
    for (const service of running) await stop(service);
    await bus.close();
    await removeStreams(url, prefix);
    await database.drop();
    jest.restoreAllMocks();
  });

  async function start(everyMs = 100): Promise<RunningService> {
    const service = await startService(
      { name: 'orchestrator', module: AuditModule },
      {
        NATS_URL: url,
        NATS_PREFIX: prefix,
        DATABASE_URL_AUDIT: database.urlOf('audit'),
        AUDIT_HEAD_EVERY_MS: `${everyMs}`,
        LOG_LEVEL: 'error',
      },
    );
    running.add(service);
    return service;
  }
  async function stop(service: RunningService): Promise<void> {
    running.delete(service);
    await service.stop();
  }

  let appended = 0;
  const append = async (): Promise<void> => {
    await store.append({
      stream: `s-${++appended}` as StreamName,
      expected: 0,
      events: [
        { type: 'Happened', data: { amount: 100 } },
        { type: 'Ended', data: {} },
      ],
      meta: { correlation_id: 'k', causation_id: 'm', actor: 'tests' },
    });
  };
  const heads = async (): Promise<readonly ChainHead[]> => {
    const held: ChainHead[] = [];
    for await (const page of bus.evidence(SUBJECT))
      held.push(...page.map(({ body }) => auditContract.chainHead.parse(body)));
    return held;
  };
  const published = (...commits: readonly number[]) =>
    eventually(async () =>
      expect((await heads()).map(({ commit_no }) => commit_no)).toEqual(commits),
    );
  /** One head for each of so many commits. */
  async function publishEach(commits: number): Promise<void> {
    const before = await heads();
    for (let n = 1; n <= commits; n++) {
      await append();
      await eventually(async () => expect(await heads()).toHaveLength(before.length + n));
    }
  }
  async function verify(): Promise<Verification> {
    const outcome = await bus.query('query.audit.verify', { input: {} }, { timeoutMs: 30_000 });
    if (!outcome.ok) throw new Error(outcome.problem.message);
    return auditContract.verify.answer.parse(outcome.data);
  }
  const said = (level: 'log' | 'error') => jest.spyOn(Logger.prototype, level);

  it('are what the log ends with, and agree with it', async () => {
    await start();
    await publishEach(3);
    const [, , third] = await heads();
    expect(third).toEqual({
      log: 'log',
      commit_no: 3,
      position: 6,
      hash: (await database.audit().headCommit())?.hash,
      recorded_at: (await database.audit().headCommit())?.recorded_at,
    });
    expect(await verify()).toMatchObject({
      hash_chain: { is_intact: true, commits: 3 },
      published_heads: { outcome: 'agree', heads_checked: 3, oldest_commit: 1, newest_commit: 3 },
    });
  });

  it('catch a superuser who rewrites an event and every hash after it', async () => {
    const errors = said('error');
    await start();
    await publishEach(4);
    const [, second] = await heads();
    await rewriteLog(
      database,
      `update log.event set data = replace(data::text, '100', '1')::json where position = 3`,
    );

    const { hash_chain, published_heads } = await verify();
    expect(hash_chain).toMatchObject({ is_intact: true, commits: 4, events: 8 });
    expect(published_heads).toMatchObject({
      outcome: 'differ',
      first_difference: {
        commit_no: 2,
        position: 4,
        published_hash: second?.hash,
        stored_hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      },
    });
    await eventually(() =>
      expect(errors).toHaveBeenCalledWith(
        expect.objectContaining({ published: expect.objectContaining({ commit_no: 4 }) as object }),
        expect.stringMatching(/not what was published/),
      ),
    );
    // New heads on the rewritten log do not make it good.
    await append();
    await eventually(async () => expect((await heads()).at(-1)?.commit_no).toBe(5));
    expect((await verify()).published_heads).toMatchObject({
      outcome: 'differ',
      first_difference: { commit_no: 2 },
    });
  });

  it('catch a superuser who cuts the end of the log off', async () => {
    const service = await start();
    await publishEach(3);
    await database.asOwner(async (owner) => {
      await owner.query('set session_replication_role = replica');
      await owner.query('delete from log.event where commit_no >= 2');
      await owner.query('delete from log.commit where commit_no >= 2');
    });
    const { hash_chain, published_heads } = await verify();
    expect(hash_chain).toMatchObject({ is_intact: true, commits: 1 });
    expect(published_heads).toMatchObject({
      outcome: 'differ',
      first_difference: { commit_no: 2 },
    });
    expect(published_heads.first_difference).not.toHaveProperty('stored_hash');
    await stop(service);
  });

  it('are published at most once in the time that is set', async () => {
    const everyMs = 500;
    await start(everyMs);
    await eventually(async () => {
      await append();
      expect((await bus.newestEvidence(SUBJECT))?.sequence).toBeGreaterThanOrEqual(4);
    });
    const times: number[] = [];
    for await (const page of bus.evidence(SUBJECT))
      times.push(...page.map(({ keptAt }) => Date.parse(keptAt)));
    const between = times.slice(1).map((time, nth) => time - (times[nth] ?? 0));
    // Times are in whole milliseconds, and a timer may be one early.
    expect(Math.min(...between)).toBeGreaterThanOrEqual(everyMs - 2);
  });

  it('are told in a line of the log each, however often the head is looked at', async () => {
    const lines = said('log');
    const turns = jest.spyOn(HeadPublisher.prototype as never, 'look' as never);
    await start();
    await publishEach(2);
    const looked = turns.mock.calls.length;
    await eventually(() => expect(turns.mock.calls.length).toBeGreaterThan(looked + 3));
    const told = lines.mock.calls.flatMap(([first]) => {
      const { chain_head } = first as { chain_head?: ChainHead };
      return chain_head ? [chain_head] : [];
    });
    expect(told).toEqual(await heads());
  });

  it('are published by one of two replicas, and by the other when that one stops', async () => {
    const turns = jest.spyOn(HeadPublisher.prototype as never, 'look' as never);
    const first = await start();
    await publishEach(1);
    const second = await start();
    await publishEach(3);
    const lookers = new Set(turns.mock.contexts);
    expect(lookers).toEqual(new Set([first.app.get(HeadPublisher)]));
    await published(1, 2, 3, 4);
    await stop(first);
    await publishEach(2);
    expect(new Set(turns.mock.contexts)).toContain(second.app.get(HeadPublisher));
    await published(1, 2, 3, 4, 5, 6);
  });

  it('are missing when their stream was lost, which is said plainly, and begin anew', async () => {
    const service = await start();
    await publishEach(3);
    await stop(service);
    await removeStreams(url, prefix);
    // Nobody publishes now but asks all the same: another replica holds the lock.
    await database.asOwner(async (owner) => {
      await owner.query(`select pg_advisory_lock(hashtextextended('downbeat chain heads log', 0))`);
      await start();
      expect(await verify()).toMatchObject({
        hash_chain: { is_intact: true, commits: 3 },
        published_heads: {
          outcome: 'none_held',
          heads_held: 0,
          heads_checked: 0,
          detail: expect.stringMatching(/no head is held outside the database/) as string,
        },
      });
    });
    await published(3);
    expect((await verify()).published_heads).toMatchObject({ outcome: 'agree', heads_checked: 1 });
  });
});
