import { LocalHints } from '../testing/local-hints';
import { appendOf, command, freshStream } from '../testing/sample-appends';
import { LogDatabase } from '../testing/log-database';

describe('hints that the log grew', () => {
  let database: LogDatabase;
  beforeAll(async () => {
    database = await LogDatabase.create('hints');
  });
  afterAll(() => database.drop());

  it('reach the listeners of other processes', async () => {
    const hints = new LocalHints();
    const [writer, reader] = [
      database.store('registry', { hints }),
      database.store('health', { hints }),
    ];
    const heard: number[] = [];
    reader.onAppended((position) => heard.push(position));
    const { position } = await writer.append(appendOf(freshStream(), 0, [1, 2]));
    expect([hints.published, heard]).toEqual([[{ position, contexts: ['registry'] }], [position]]);
    await Promise.all([writer.close(), reader.close()]);
    expect(hints.listeners.size).toBe(0);
  });

  it('reach whom they concern, and once', async () => {
    const hints = new LocalHints();
    const [writer, other] = [
      database.store('registry', { hints }),
      database.store('health', { hints }),
    ];
    const heard: string[] = [];
    for (const store of [writer, other])
      for (const context of ['registry', 'health', undefined])
        store.onAppended(() => heard.push(`${store.context}: ${context ?? 'any'}`), context);

    await writer.append(appendOf(freshStream(), 0));
    const toRegistry = ['registry: registry', 'registry: any', 'health: registry', 'health: any'];
    expect(heard).toEqual(toRegistry);
    await other.append(appendOf(freshStream(), 0));
    expect(heard.slice(toRegistry.length).sort()).toEqual([
      'health: any',
      'health: health',
      'registry: any',
      'registry: health',
    ]);
  });

  it('reach everybody when they do not say whom they concern', () => {
    const hints = new LocalHints();
    const store = database.store('registry', { hints });
    const heard: number[] = [];
    store.onAppended((position) => heard.push(position), 'registry');
    hints.publish({ position: 7 });
    hints.publish({ position: 8, contexts: ['health'] });
    // Another process may be slow to tell of an earlier commit.
    hints.publish({ position: 6, contexts: ['registry', 'health'] });
    expect(heard).toEqual([7, 6]);
  });

  it('are sent once per flush, for its last event, and only when there is one', async () => {
    const hints = new LocalHints();
    const store = database.store('registry', { hints });
    const appended = await Promise.all(
      Array.from({ length: 10 }, () => store.append(appendOf(freshStream(), 0))),
    );
    const last = Math.max(...appended.map(({ position }) => position));
    expect(hints.published).toEqual([{ position: last, contexts: ['registry'] }]);
    const quiet = appendOf(freshStream(), 0, [], command());
    await store.append(quiet);
    await store.append(quiet);
    await expect(store.append(appendOf(freshStream(), 7))).rejects.toThrow();
    expect(hints.published).toEqual([{ position: last, contexts: ['registry'] }]);
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
