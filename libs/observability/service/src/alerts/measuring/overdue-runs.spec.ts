import type { MessageBus } from '@downbeat/message-bus';
import type { Clock } from '@downbeat/service-host';
import { OverdueRuns } from './overdue-runs';

const T0 = 1_000_000_000;
const MINUTE = 60_000;
/** Pages that are looked through for the versions of one workflow. */
const PAGES_LOOKED_THROUGH = 5;

interface Asked {
  readonly status?: string;
  readonly name: string;
  readonly cursor?: string;
}

/** Runs under way that began ten minutes ago, and the versions of a workflow page by page. */
function saga(
  following: readonly (readonly [name: string, version: string])[],
  pagesOf: (name: string) => readonly (readonly (readonly [version: string, minutes: number])[])[],
) {
  const asked: string[] = [];
  let isAway = (_asked: Asked): boolean => false;
  const workflows = following.map(([workflow_name, workflow_version]) => ({
    ...{ workflow_name, workflow_version, paused: false, needs_attention: false },
    started_at: new Date(T0 - 10 * MINUTE).toISOString(),
  }));
  const definitionsOf = ({ name, cursor = '0' }: Asked) => {
    asked.push(name);
    const page = Number(cursor);
    const pages = pagesOf(name);
    return {
      definitions: (pages[page] ?? []).map(([version, timeout_minutes]) => ({
        version,
        definition: { timeout_minutes },
      })),
      ...(page + 1 < pages.length && { next_cursor: String(page + 1) }),
    };
  };
  const bus = {
    query: (subject: string, { input }: { input: Asked }) => {
      if (isAway(input)) return Promise.resolve({ ok: false, problem: { message: 'away' } });
      const data = subject.endsWith('list-workflows')
        ? { workflows: input.status === 'running' ? workflows : [] }
        : definitionsOf(input);
      return Promise.resolve({ ok: true, data });
    },
  } as unknown as MessageBus;
  let nowMs = T0;
  const runs = new OverdueRuns(bus, { now: () => nowMs } as Clock);
  return {
    asked,
    pass: () => (nowMs += 30_000),
    failFor: (away: typeof isAway) => (isAway = away),
    look: async () => {
      const { samples, isUncertain } = await runs.measure();
      return {
        overdue: Object.fromEntries(samples.map(({ subject, value }) => [subject, value])),
        isUnsureOf: (subject: string) =>
          isUncertain?.({ metric: 'runs_overdue', subject }) ?? false,
      };
    },
  };
}

const times = <Of>(count: number, of: (number: number) => Of) =>
  Array.from({ length: count }, (_, number) => of(number));

describe('how long runs may last', () => {
  it('is asked for once of each workflow, however many runs it has', async () => {
    const following = [
      ...times(300, (number) => ['order', `1.0.${number % 3}`] as const),
      ...times(300, () => ['refund', '1.0.0'] as const),
    ];
    const versions = times(3, (number) => [`1.0.${number}`, number === 0 ? 60 : 5] as const);
    const system = saga(following, () => [versions]);
    expect((await system.look()).overdue).toEqual({ order: 200 });
    expect(system.asked).toEqual(['order', 'refund']);
    system.pass();
    await system.look();
    expect(system.asked).toHaveLength(2);
  });

  it('is found on further pages, and no more of them are asked for than it takes', async () => {
    const pages = times(4, (number) => [[`1.0.${number}`, number === 1 ? 720 : 1] as const]);
    const system = saga(
      [
        ['order', '1.0.1'],
        ['order', '1.0.2'],
      ],
      () => pages,
    );
    const { overdue, isUnsureOf } = await system.look();
    expect([overdue, isUnsureOf('order')]).toEqual([{ order: 1 }, false]);
    expect(system.asked).toHaveLength(3);
    system.pass();
    await system.look();
    expect(system.asked).toHaveLength(3);
  });

  it('is not known of a version behind too many others: nothing is made up of it', async () => {
    const pages = times(PAGES_LOOKED_THROUGH + 1, (number) => [[`1.0.${number}`, 1] as const]);
    const behind = `1.0.${PAGES_LOOKED_THROUGH}`;
    const system = saga(
      [
        ['order', '1.0.0'],
        ['order', behind],
        ['refund', '1.0.0'],
      ],
      (name) => (name === 'order' ? pages : pages.slice(0, 1)),
    );
    const { overdue, isUnsureOf } = await system.look();
    expect(overdue).toEqual({ order: 1, refund: 1 });
    expect([isUnsureOf('order'), isUnsureOf('refund')]).toEqual([true, false]);
    expect(system.asked.filter((name) => name === 'order')).toHaveLength(PAGES_LOOKED_THROUGH);
  });

  it('is learned over several looks when there are many workflows', async () => {
    const following = times(150, (number) => [`w-${number}`, '1.0.0'] as const);
    const system = saga(following, () => [[['1.0.0', 1]]]);
    const first = await system.look();
    expect([first.isUnsureOf('w-0'), first.isUnsureOf('w-149')]).toEqual([false, true]);
    expect(Object.keys(first.overdue)).toHaveLength(100);
    system.pass();
    const second = await system.look();
    expect(second.isUnsureOf('w-149')).toBe(false);
    expect(Object.keys(second.overdue)).toHaveLength(150);
    expect(system.asked).toHaveLength(150);
  });

  it('is not asked for again where it was learned before a question failed', async () => {
    const system = saga(
      [
        ['order', '1.0.0'],
        ['refund', '1.0.0'],
      ],
      () => [[['1.0.0', 1]]],
    );
    system.failFor(({ name }) => name === 'refund');
    await expect(system.look()).rejects.toThrow('away');
    system.failFor(() => false);
    expect((await system.look()).overdue).toEqual({ order: 1, refund: 1 });
    expect(system.asked).toEqual(['order', 'refund']);
  });
});
