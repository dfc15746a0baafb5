import { planOf, type CheckRequest, type CheckResult, type Failing } from '@downbeat/health-domain';
import type { Finding } from './check-log';
import type { KnownInstance } from './known-instance';
import { Watch } from './watch';

const check = {
  url: 'http://10.0.0.7:3000/health',
  interval_ms: 1_000,
  timeout_ms: 500,
  failure_threshold: 2,
  success_threshold: 1,
  jitter: 0,
};
const phases = {
  startup: { endpoint: '/started', startup_timeout_ms: 5_000 },
  liveness: { endpoint: '/live' },
  readiness: { endpoint: '/ready' },
};

/** One watched instance, with the log, the way to it and the time played. */
function stage(more: object = {}) {
  const known: KnownInstance = {
    checked: { service_name: 'billing', instance_id: 'billing-1', check },
    sinceMs: Date.now(),
    hasStarted: false,
    standing: undefined,
    position: 1,
  };
  const asked: string[] = [];
  /** Where its checks stand in line, and what is done to them there. */
  const lines: string[] = [];
  const said: (Finding | string)[] = [];
  const play = {
    isOurs: true,
    inherited: undefined as Finding['inherited'],
    /** Of whom it was asked whose failure it is. */
    failing: [] as Failing[],
    /** Settles when there is a place for its checks. */
    turn: Promise.resolve(),
    answer: (_path: string): Promise<CheckResult | undefined> => Promise.resolve(undefined),
    record: (): Promise<void> => Promise.resolve(),
  };
  const pathOf = ({ url }: CheckRequest) => new URL(url).pathname;
  const faults: unknown[] = [];
  const watch = new Watch(known, planOf({ ...check, ...more }), {
    probing: {
      ask: ({ host, line }, turn) => {
        lines.push(`${line} ${host}`);
        const result = async () => {
          await play.turn;
          const ask = turn();
          if (!ask) return undefined;
          asked.push(pathOf(ask.request));
          return play.answer(pathOf(ask.request));
        };
        return {
          result: result(),
          hurry: () => void lines.push('hurried'),
          withdraw: () => void lines.push('withdrawn'),
        };
      },
    },
    log: {
      now: () => Date.now(),
      passedStartup: async () => {
        await play.record();
        return said.push('started');
      },
      crossed: async (_, finding) => {
        await play.record();
        return said.push(finding);
      },
    },
    isOurs: () => play.isOurs,
    inheritedBy: (_, failing) => {
      play.failing.push(failing);
      return play.inherited;
    },
    onTurned: () => undefined,
    onFault: (fault) => faults.push(fault),
  });
  return { watch, known, asked, lines, said, play, faults };
}

const ok: CheckResult = { isPassed: true, detail: 'HTTP 200' };
const bad: CheckResult = { isPassed: false, detail: 'HTTP 503' };
const answers = (result: CheckResult | undefined) => () => Promise.resolve(result);
const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);
const standings = (said: readonly (Finding | string)[]) =>
  said.map((one) => (typeof one === 'string' ? one : (one.standing.reason ?? one.standing.status)));

describe('the watch over an instance', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('asks in its interval, and says what changes once', async () => {
    const { watch, asked, said, play } = stage();
    play.answer = answers(ok);
    watch.begin(0);
    await pass(3_500);
    expect(asked).toHaveLength(4);
    expect(standings(said)).toEqual(['healthy']);
    play.answer = answers(bad);
    await pass(5_000);
    expect(standings(said)).toEqual(['healthy', 'unhealthy']);
    expect(said[1]).toMatchObject({ failures: 2, detail: 'HTTP 503' });
    watch.end();
    const count = asked.length;
    await pass(5_000);
    expect(asked).toHaveLength(count);
  });

  it('says whose failure it is, and again when that turns out later or is over', async () => {
    const { watch, said, play } = stage();
    const inherited = { origin: 'ledger', path: ['billing', 'ledger'], isToBlame: true };
    play.answer = answers(bad);
    watch.begin(0);
    await pass(2_500);
    play.inherited = inherited;
    await pass(2_000);
    play.inherited = undefined;
    await pass(2_000);
    play.inherited = inherited;
    play.answer = answers(ok);
    await pass(2_000);
    expect(said).toEqual([
      expect.not.objectContaining({ inherited }),
      expect.objectContaining({ inherited }),
      expect.not.objectContaining({ inherited }),
      expect.objectContaining({ standing: expect.objectContaining({ status: 'healthy' }) }),
    ]);
    expect(said.at(-1)).not.toHaveProperty('inherited');
    watch.end();
  });

  it('says again when the other one turns out to be why it needs a restart, and asks since when', async () => {
    const { watch, said, play } = stage({ ...phases, startup: undefined });
    const later = { origin: 'ledger', path: ['billing', 'ledger'], isToBlame: false };
    const beganAt = Date.now();
    play.answer = answers(bad);
    play.inherited = later;
    watch.begin(0);
    await pass(4_500);
    const failing = { unhealthySinceMs: beganAt + 1_000, intervalMs: 1_000 };
    expect(play.failing.length).toBeGreaterThan(2);
    for (const one of play.failing) expect(one).toEqual(failing);
    play.inherited = { ...later, isToBlame: true };
    await pass(2_500);
    const because = expect.objectContaining({ reason: 'needs-restart' });
    expect(said).toEqual([
      expect.objectContaining({ standing: because, inherited: later }),
      expect.objectContaining({ standing: because, inherited: play.inherited }),
    ]);
    watch.end();
  });

  it('says again what could not be recorded', async () => {
    const { watch, said, play, faults } = stage();
    play.answer = answers(ok);
    play.record = () => Promise.reject(new Error('no database'));
    watch.begin(0);
    await pass(1_500);
    expect([said.length, faults.length]).toEqual([0, 2]);
    play.record = () => Promise.resolve();
    await pass(1_000);
    expect(standings(said)).toEqual(['healthy']);
  });

  it('takes no answer for one, and waits for its turn while too much is under way', async () => {
    const { watch, asked, said, play } = stage();
    watch.begin(0);
    await pass(2_500);
    expect(asked).toHaveLength(3);
    expect(said).toEqual([]);
    let open: () => void = () => undefined;
    play.turn = new Promise((resolve) => (open = resolve));
    await pass(5_000);
    expect(asked).toHaveLength(3);
    open();
    await pass(0);
    expect(asked).toHaveLength(4);
  });

  it.each(['over', "another's"])('asks no more when its turn comes and it is %s', async (is) => {
    const { watch, asked, play } = stage();
    let open: () => void = () => undefined;
    play.turn = new Promise((resolve) => (open = resolve));
    watch.begin(0);
    await pass(10);
    if (is === 'over') watch.end();
    else play.isOurs = false;
    open();
    await pass(5_000);
    expect(asked).toEqual([]);
  });

  it('goes on within a second when its share is beyond doubt again, however long its interval', async () => {
    const { watch, asked, play } = stage({ interval_ms: 3_600_000 });
    play.isOurs = false;
    watch.begin(0);
    await pass(10);
    play.isOurs = true;
    await pass(1_000);
    expect(asked).toHaveLength(1);
  });

  it('neither asks nor tells while another replica may', async () => {
    const { watch, asked, said, play } = stage();
    let answer = (_: CheckResult): void => undefined;
    play.answer = () => new Promise((resolve) => (answer = resolve));
    watch.begin(0);
    await pass(10);
    play.isOurs = false;
    answer(ok);
    await pass(5_000);
    expect(asked).toHaveLength(1);
    expect(said).toEqual([]);
  });

  it('throws away what was asked by another plan, and asks anew at once', async () => {
    const { watch, asked, said, play } = stage({ interval_ms: 3_600_000 });
    let answer = (_: CheckResult): void => undefined;
    play.answer = () => new Promise((resolve) => (answer = resolve));
    watch.begin(0);
    await pass(10);
    watch.changePlan(planOf({ ...check, url: 'http://10.0.0.7:3000/up' }));
    play.answer = answers(bad);
    answer(ok);
    await pass(10);
    expect(asked).toEqual(['/health', '/up']);
    expect(said).toEqual([]);
  });

  it('goes through the phases, and tells of the one that speaks', async () => {
    const { watch, asked, said, play } = stage(phases);
    const results: Record<string, CheckResult> = { '/started': bad, '/live': ok, '/ready': ok };
    play.answer = (path) => Promise.resolve(results[path]);
    watch.begin(0);
    await pass(4_500);
    expect(new Set(asked)).toEqual(new Set(['/started']));
    expect(said).toEqual([]);
    await pass(2_000);
    results['/started'] = ok;
    await pass(1_000);
    results['/live'] = { isPassed: false, detail: 'hangs' };
    await pass(2_000);
    results['/ready'] = bad;
    await pass(2_000);
    results['/live'] = ok;
    await pass(1_000);
    expect(standings(said)).toEqual([
      'startup-timed-out',
      'started',
      'healthy',
      'needs-restart',
      'not-ready',
    ]);
    expect(said.at(-2)).toMatchObject({ detail: 'hangs', standing: { phase: 'liveness' } });
    expect(said.at(-1)).toMatchObject({ detail: 'HTTP 503', standing: { phase: 'readiness' } });
  });

  it('goes on where another replica saw it start', async () => {
    const { watch, known, asked, said, play } = stage(phases);
    play.answer = (path) => Promise.resolve(path === '/started' ? bad : ok);
    watch.begin(0);
    await pass(10);
    known.hasStarted = true;
    watch.adopt();
    await pass(10);
    expect(asked).toEqual(['/started', '/live', '/ready']);
    expect(standings(said)).toEqual(['healthy']);
  });

  it('goes first when nobody has asked yet, and apart when it took long the last time', async () => {
    const { watch, lines, play } = stage();
    play.answer = answers(ok);
    watch.begin(0);
    await pass(1_010);
    play.answer = async () => {
      await new Promise((resolve) => setTimeout(resolve, 600));
      return bad;
    };
    await pass(1_000);
    play.answer = answers(ok);
    await pass(2_800);
    const slow = 'slow 10.0.0.7';
    const routine = 'routine 10.0.0.7';
    expect(lines).toEqual(['urgent 10.0.0.7', routine, routine, slow, routine]);
    watch.end();
  });

  it('leaves the line when it ends', async () => {
    const { watch, lines, play } = stage();
    play.turn = new Promise(() => undefined);
    watch.begin(0);
    await pass(10);
    watch.end();
    expect(lines).toEqual(['urgent 10.0.0.7', 'withdrawn']);
  });

  describe('hears of calls', () => {
    const calls = (good: number, failed: number) => ({ ok: good, failed, window_ms: 500 });

    it('that fail, and does not take a check for it that was asked before', async () => {
      const { watch, said, play } = stage();
      play.answer = answers(ok);
      watch.begin(0);
      await pass(500);
      let answer = (_: CheckResult): void => undefined;
      play.answer = () => new Promise((resolve) => (answer = resolve));
      await pass(600);
      await watch.hearOfCalls(calls(0, 2));
      answer(ok);
      play.answer = answers(ok);
      await pass(900);
      expect(standings(said)).toEqual(['healthy', 'unhealthy']);
      expect(said[1]).toMatchObject({ failures: 2, detail: '2 of 2 calls failed within 500 ms' });
      await pass(200);
      expect(standings(said)).toEqual(['healthy', 'unhealthy', 'healthy']);
    });

    it('that fail, and gives a whole interval to whoever fell by them', async () => {
      const { watch, asked, said, play } = stage();
      play.answer = answers(ok);
      watch.begin(0);
      await pass(900);
      await watch.hearOfCalls(calls(0, 5));
      await pass(900);
      expect(asked).toHaveLength(1);
      expect(standings(said)).toEqual(['healthy', 'unhealthy']);
      await pass(200);
      expect(standings(said)).toEqual(['healthy', 'unhealthy', 'healthy']);
    });

    it('that fail now and then, and goes before the routine, also when it stands in line', async () => {
      const { watch, lines, play } = stage({ failure_threshold: 100 });
      play.answer = answers(ok);
      watch.begin(0);
      await pass(500);
      await watch.hearOfCalls(calls(0, 1));
      await pass(10);
      expect(lines.splice(0)).toEqual(['urgent 10.0.0.7', 'urgent 10.0.0.7']);
      let open: () => void = () => undefined;
      play.turn = new Promise((resolve) => (open = resolve));
      await pass(1_000);
      await watch.hearOfCalls(calls(0, 1));
      expect(lines).toEqual(['routine 10.0.0.7', 'hurried']);
      open();
      await pass(1_000);
      expect(lines).toEqual(['routine 10.0.0.7', 'hurried', 'routine 10.0.0.7']);
      watch.end();
    });

    it('that fail now and then, and asks at once, but not each time', async () => {
      const { watch, asked, said, play } = stage({ interval_ms: 60_000, failure_threshold: 100 });
      play.answer = answers(ok);
      watch.begin(0);
      await pass(10);
      for (let times = 0; times < 15; times++) {
        await watch.hearOfCalls(calls(0, 1));
        await pass(10);
      }
      expect(asked).toHaveLength(2);
      await pass(200);
      expect(asked).toHaveLength(3);
      await watch.hearOfCalls(calls(5, 1));
      await pass(500);
      expect(asked).toHaveLength(3);
      expect(standings(said)).toEqual(['healthy']);
    });
  });
});
