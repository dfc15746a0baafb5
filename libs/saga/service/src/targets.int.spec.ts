import type { AnswerOf, sagaContract } from '@downbeat/contracts';
import { SagaBench, shopCall } from './testing/saga-bench';

type Targets = AnswerOf<typeof sagaContract.listTargets>;
type Target = Targets['targets'][number];

let bench: SagaBench;
beforeAll(async () => {
  bench = await SagaBench.open('targets');
  await bench.addReplica();
  await bench.register('order', [shopCall('a')], { limit_key: 'tenant' });
  await bench.eventually(targets, (seen) => seen.replicas === 2 && seen.followed_position > 0);
});
beforeEach(() => {
  bench.participants.react = () => ({ status: 200, body: { id: 'h-1' } });
});
afterAll(() => bench.close());

const targets = () => bench.ask<Targets>('list-targets', {});
const shop = async (): Promise<Target | undefined> =>
  (await targets()).targets.find(({ service_name }) => service_name === 'shop');
const until = (isWanted: (target: Target) => boolean) =>
  bench.eventually(shop, (target) => target !== undefined && isWanted(target));
const say = async (name: string, body: object = {}) => {
  const outcome = await bench.command(name, 'shop', body as never);
  if (!outcome.accepted) throw new Error(JSON.stringify(outcome.problem));
  await bench.eventually(targets, (seen) => seen.followed_position >= outcome.position);
};
const start = (prefix: string, count: number, more: (at: number) => object = () => ({})) =>
  Promise.all(
    Array.from({ length: count }, (_, at) =>
      bench.start('order', `${prefix}-${at}`, more(at) as never),
    ),
  );

describe('a target of two replicas', () => {
  it('is paused in both, shows what waits, and gets it all when it is resumed', async () => {
    await say('PauseTarget', { reason: 'its database is being moved' });
    const ids = await start('paused', 6, (at) => ({ priority: at === 0 ? 'critical' : 'low' }));
    const shown = await until(({ waiting }) => waiting === 6);
    expect(shown).toMatchObject({
      paused_because: 'its database is being moved',
      under_way: 0,
      breaker: 'closed',
    });
    expect(shown?.waits.map(({ because }) => because)).toEqual(Array(6).fill('target-paused'));
    expect(shown?.waits.filter(({ priority }) => priority === 'critical')).toHaveLength(1);
    const [first = ''] = ids;
    const held = await bench.until(first, ({ execution_timeline }) =>
      execution_timeline.some(({ event }) => event === 'CallHeld'),
    );
    expect(held.steps[0]).toMatchObject({ status: 'running', held_because: 'target-paused' });
    expect(bench.participants.seen).toEqual([]);

    await say('ResumeTarget');
    for (const id of ids) {
      const { workflow, steps } = await bench.ended(id);
      expect(workflow.current_status).toBe('completed');
      expect(steps[0]).not.toHaveProperty('held_because');
    }
    expect(bench.participants.seen).toHaveLength(6);
  });

  it('gets no more calls at once than it is allowed, nor of one key', async () => {
    await say('LimitTarget', { concurrency_max: 4, key_concurrency_max: 2 });
    let busy = 0;
    let most = 0;
    bench.participants.react = async () => {
      most = Math.max(most, ++busy);
      await new Promise((resolve) => setTimeout(resolve, 30));
      busy--;
      return { status: 200, body: {} };
    };
    const ids = await start('limited', 30, (at) => ({ context_data: { tenant: `t${at % 10}` } }));
    await Promise.all(ids.map((id) => bench.ended(id)));
    expect([most > 1, most <= 4]).toEqual([true, true]);
    await say('LimitTarget');
  });

  it('that fails is left alone by both, and tried again by few', async () => {
    let isBroken = true;
    let calls = 0;
    bench.participants.react = () => {
      calls++;
      return isBroken ? { status: 503 } : { status: 200, body: {} };
    };
    const ids = await start('broken', 100);
    await until(({ breaker, waiting }) => breaker !== 'closed' && waiting >= 40);
    expect(calls).toBeLessThanOrEqual(160);
    isBroken = false;
    const ends = await Promise.all(ids.map((id) => bench.ended(id)));
    const completed = ends.filter(({ workflow }) => workflow.current_status === 'completed');
    expect(completed.length).toBeGreaterThanOrEqual(40);
    await until(({ under_way, waiting }) => under_way + waiting === 0);
  });

  it('is not paused by a command that does not say why', async () => {
    const outcome = await bench.command('PauseTarget', 'shop', {});
    expect(outcome).toMatchObject({
      accepted: false,
      problem: { errors: [{ field: 'reason' }] },
    });
    expect(await shop()).toMatchObject({ is_paused: false });
  });
});
