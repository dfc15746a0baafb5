import type { CheckRequest, CheckResult } from '@downbeat/health-domain';
import type { InstanceProbes } from './probes/instance-probes';
import { Probing } from './probing';
import type { Line } from './waiting-lines';

const [AT_ONCE, OF_HOST, SLOW] = [512, 64, 256];
const ok: CheckResult = { isPassed: true, detail: 'HTTP 200' };
const turns = () => new Promise((resolve) => setImmediate(resolve));

const probingBy = (run: (request: CheckRequest) => Promise<CheckResult | undefined>) =>
  new Probing({ run } as unknown as InstanceProbes);

/** Checks whose answers come when the test wants them. */
function probes() {
  const asked: string[] = [];
  const answers = new Map<string, () => void>();
  const probing = probingBy((request) => {
    const { url } = request as unknown as { url: string };
    asked.push(url);
    return new Promise((resolve) => answers.set(url, () => resolve(ok)));
  });
  const ask = (url: string, { host = url, line = 'routine' as Line, isWanted = true } = {}) => {
    const request = { url } as unknown as CheckRequest;
    return probing.ask({ host, line }, () => (isWanted ? { request, timeoutMs: 100 } : undefined));
  };
  /** So many, named by number. */
  const crowd = (count: number, more: Parameters<typeof ask>[1] = {}, name = '') =>
    Array.from({ length: count }, (_, n) => ask(`${name}${n}`, more));
  const answer = async (...urls: readonly string[]) => {
    for (const url of urls) answers.get(url)?.();
    await turns();
  };
  const answerAll = async () => {
    for (let seen = -1; seen < asked.length; await answer(...asked)) seen = asked.length;
  };
  return { probing, asked, ask, crowd, answer, answerAll };
}

it('runs so many at once, and the others in the order they came', async () => {
  const { probing, asked, crowd, answer, answerAll } = probes();
  const all = crowd(AT_ONCE + 3);
  await turns();
  expect([asked.length, probing.underWay]).toEqual([AT_ONCE, AT_ONCE]);
  await answer('7');
  expect(asked.slice(AT_ONCE)).toEqual([`${AT_ONCE}`]);
  await answerAll();
  expect(await Promise.all(all.map(({ result }) => result))).toEqual(all.map(() => ok));
  expect([asked.at(-1), probing.underWay]).toEqual([`${AT_ONCE + 2}`, 0]);
});

it('passes over who is not wanted any more when its turn comes', async () => {
  const { probing, asked, ask, crowd, answer, answerAll } = probes();
  crowd(AT_ONCE);
  const gone = ask('gone', { isWanted: false });
  ask('last');
  await turns();
  await answer('0');
  expect(await gone.result).toBeUndefined();
  await turns();
  expect(asked.at(-1)).toBe('last');
  await answerAll();
  expect(probing.underWay).toBe(0);
});

it('gives its place away when asking broke', async () => {
  const probing = probingBy(() => Promise.reject(new Error('broken')));
  const turn = () => ({ request: {} as CheckRequest, timeoutMs: 1 });
  const all = Array.from(
    { length: AT_ONCE * 2 },
    (_, n) => probing.ask({ host: `${n}`, line: 'routine' }, turn).result,
  );
  const outcomes = await Promise.allSettled(all);
  expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
  expect(probing.underWay).toBe(0);
});

it('lets go at once who withdraws, and not who is asked already', async () => {
  const { asked, ask, crowd, answerAll } = probes();
  const [first] = crowd(AT_ONCE);
  const gone = ask('gone');
  first?.withdraw();
  gone.withdraw();
  gone.withdraw();
  expect(await gone.result).toBeUndefined();
  await turns();
  await answerAll();
  expect([asked.includes('gone'), await first?.result]).toEqual([false, ok]);
});

it('puts what is urgent, or becomes it, before the routine, and starves neither', async () => {
  const { asked, ask, crowd, answer } = probes();
  crowd(AT_ONCE);
  const routine = crowd(4, {}, 'routine ');
  crowd(4, { line: 'urgent' }, 'urgent ');
  await turns();
  routine[3]?.hurry();
  ask('slow', { line: 'slow' });
  for (let n = 0; n < 8; n++) await answer(`${n}`);
  expect(asked.slice(AT_ONCE)).toEqual([
    ...['urgent 0', 'urgent 1', 'routine 0', 'slow'],
    ...['urgent 2', 'urgent 3', 'routine 1', 'routine 3'],
  ]);
});

it('gives one host a part of its places, and the rest to others', async () => {
  const { asked, ask, crowd, answer, answerAll } = probes();
  crowd(OF_HOST + 5, { host: 'crowded' });
  ask('alone');
  await turns();
  expect(asked.slice(OF_HOST)).toEqual(['alone']);
  await answer('3');
  expect(asked.at(-1)).toBe(`${OF_HOST}`);
  await answerAll();
  expect(asked).toHaveLength(OF_HOST + 6);
});

it('keeps places free of those that take long', async () => {
  const { asked, crowd, ask, answerAll } = probes();
  crowd(1_000, { line: 'slow' });
  await turns();
  expect(asked).toHaveLength(SLOW);
  ask('quick');
  ask('doubted', { line: 'slow' }).hurry();
  await turns();
  expect(asked.slice(SLOW)).toEqual(['quick', 'doubted']);
  await answerAll();
  expect(asked).toHaveLength(1_002);
});
