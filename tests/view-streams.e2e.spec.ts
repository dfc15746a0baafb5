import { eventually, SentEvents, type SentBlock } from '@downbeat/test-bench';
import { book, ended } from './support/bookings';
import { Suite } from './support/suite';

/** A view that is followed over any number of connections. */
class Followed {
  readonly seen: SentBlock[] = [];
  private stream: SentEvents | undefined;

  constructor(
    private readonly suite: Suite,
    readonly path: string,
  ) {}

  async connect(): Promise<void> {
    const id = this.seen.findLast(isAnswer)?.id;
    const separator = this.path.includes('?') ? '&' : '?';
    this.stream = await SentEvents.open(
      `${this.suite.gatewayUrl}/api/orchestration${this.path}${separator}every_ms=100`,
      id === undefined ? {} : { 'Last-Event-ID': id },
    );
  }

  /** Until the connection is gone; what it brought is kept. */
  async lost(): Promise<void> {
    await this.stream?.end();
    this.seen.push(...this.arrived);
  }

  close(): void {
    this.stream?.close();
  }

  get arrived(): readonly SentBlock[] {
    return this.stream?.events ?? [];
  }

  get all(): readonly SentBlock[] {
    return [...this.seen, ...this.arrived];
  }

  get last(): unknown {
    const { data } = this.all.findLast(isAnswer) ?? {};
    return data === undefined ? undefined : JSON.parse(data);
  }
}

/** On a busy machine a question may go without an answer for a while, which is said. */
const isAnswer = ({ event = '' }: SentBlock): boolean => ['snapshot', 'change'].includes(event);

const tagOf = ({ id = '' }: SentBlock): string => id.slice(id.indexOf('-'));

const isRepeated = (one: SentBlock, at: number, all: readonly SentBlock[]): boolean => {
  const before = all[at - 1];
  return before !== undefined && [before, one].every(isAnswer) && tagOf(before) === tagOf(one);
};

describe('views that are followed', () => {
  let suite: Suite;
  const followed: Followed[] = [];
  const follow = async (path: string) => {
    const one = new Followed(suite, path);
    followed.push(one);
    await one.connect();
    return one;
  };
  beforeAll(async () => {
    suite = await Suite.start();
  });
  afterAll(async () => {
    for (const one of followed) one.close();
    await suite?.stop();
  });

  it('show what was, end with what is, and lose nothing with a gateway', async () => {
    const list = await follow('/workflows?limit=100');
    const bookings = await book(suite, 'followed', 7);
    const runs = await Promise.all(
      bookings.map(({ workflow_id }) => follow(`/workflows/${workflow_id}/status`)),
    );
    for (const one of [list, ...runs])
      await eventually(
        () => one.arrived.length,
        (count) => count > 0,
      );

    await suite.app('gateway').stop('SIGKILL');
    for (const one of followed) await one.lost();
    await suite.app('gateway').start();
    for (const one of followed)
      await eventually(
        () => one.connect(),
        () => true,
      );
    await ended(suite, [...bookings, ...(await book(suite, 'later', 3))]);

    for (const one of followed) {
      await eventually(
        async () => [one.last, await suite.get(one.path)],
        ([shown, now]) => expect(shown).toEqual(now),
      );
      expect(one.all.filter(isRepeated)).toEqual([]);
    }
    expect(list.all.length).toBeGreaterThan(2);
  }, 180_000);

  it('show nothing that never was', async () => {
    for (const { path, all } of followed)
      for (const { id = '', data = '' } of all.filter(isAnswer)) {
        const at = `${path.includes('?') ? '&' : '?'}at=${id.split('-', 1)[0]}`;
        expect({ id, answer: JSON.parse(data) }).toEqual({
          id,
          answer: await suite.get(`${path}${at}`),
        });
      }
  }, 180_000);
});
