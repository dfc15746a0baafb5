import type { LogHints } from './hints';
import { appendOf, command, freshStream } from './testing/sample-appends';
import { LogDatabase } from './testing/log-database';

describe('hints that the log grew', () => {
  let database: LogDatabase;
  beforeAll(async () => {
    database = await LogDatabase.create('hints');
  });
  afterAll(() => database.drop());

  /** Stands for the bus: what one process publishes, every subscriber hears. */
  class LocalHints implements LogHints {
    readonly published: number[] = [];
    readonly listeners = new Set<(position: number) => void>();
    publish(position: number): void {
      this.published.push(position);
      for (const listener of this.listeners) listener(position);
    }
    subscribe(listener: (position: number) => void): () => void {
      this.listeners.add(listener);
      return () => void this.listeners.delete(listener);
    }
  }

  it('reach the listeners of other processes', async () => {
    const hints = new LocalHints();
    const [writer, reader] = [
      database.store('registry', { hints }),
      database.store('health', { hints }),
    ];
    const heard: number[] = [];
    reader.onAppended((position) => heard.push(position));
    const { position } = await writer.append(appendOf(freshStream(), 0, [1, 2]));
    expect([hints.published, heard]).toEqual([[position], [position]]);
    await Promise.all([writer.close(), reader.close()]);
    expect(hints.listeners.size).toBe(0);
  });

  it('are sent once per flush, for its last event, and only when there is one', async () => {
    const hints = new LocalHints();
    const store = database.store('registry', { hints });
    const appended = await Promise.all(
      Array.from({ length: 10 }, () => store.append(appendOf(freshStream(), 0))),
    );
    const last = Math.max(...appended.map(({ position }) => position));
    expect(hints.published).toEqual([last]);
    const quiet = appendOf(freshStream(), 0, [], command());
    await store.append(quiet);
    await store.append(quiet);
    await expect(store.append(appendOf(freshStream(), 7))).rejects.toThrow();
    expect(hints.published).toEqual([last]);
  });

  it('that fail are reported, and the append is not', async () => {
    const reports: string[] = [];
    const store = database.store('registry', {
      report: ({ message }) => reports.push(message),
      hints: {
        publish: () => {
          throw new Error('the bus is closed');
        },
        subscribe: () => () => undefined,
      },
    });
    await store.append(appendOf(freshStream(), 0));
    expect(reports).toEqual(['the bus is closed']);
  });

  it('of a listener that fails are reported, and the append is not', async () => {
    const reports: string[] = [];
    const store = database.store('registry', { report: ({ message }) => reports.push(message) });
    const heard: number[] = [];
    store.onAppended(() => {
      throw new Error('not listening');
    });
    store.onAppended((position) => heard.push(position));
    await store.append(appendOf(freshStream(), 0));
    expect([reports, heard.length]).toEqual([['not listening'], 1]);
  });
});
