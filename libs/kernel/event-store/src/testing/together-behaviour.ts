/// <reference types="jest" />
import { uuidV7 } from '../append/uuid-v7';
import type { Append } from '../event-store';
import { appendOf, command, freshStream, meta, type StoreUnderTest } from './sample-appends';

/** What every event store promises of appends that stand or fall together. */
export function describeTogether(log: () => StoreUnderTest): void {
  const store = () => log().store('registry');
  const numbersOf = async (...appends: readonly Append[]) =>
    Promise.all(appends.map(async ({ stream }) => (await store().load(stream)).length));
  const receipt = (consumer: string, number: number, first?: number) => ({
    receipt: { consumer, source: 'health', number, ...(first !== undefined && { first }) },
  });

  it('appends several together, in their order and in one commit', async () => {
    const [one, none, two] = [
      appendOf(freshStream(), 0, [1]),
      appendOf(freshStream(), 0, [], command(7)),
      appendOf(freshStream(), 0, [2, 3]),
    ];
    const head = await store().head();
    expect(await store().appendTogether([one, two, none])).toEqual([
      { version: 1, position: head + 1, repeated: false },
      { version: 2, position: head + 3, repeated: false },
      { version: 0, position: head + 3, repeated: false, answer: { answer: 7 } },
    ]);
    const { events } = await store().read(head);
    expect(events.map(({ stream, data }) => [stream, data])).toEqual([
      [one.stream, { n: 1 }],
      [two.stream, { n: 2 }],
      [two.stream, { n: 3 }],
    ]);
    expect(new Set(events.map(({ commit_no }) => commit_no)).size).toBe(1);
  });

  it('keeps the meta of each, whether or not they share one', async () => {
    const other = { ...meta, actor: 'somebody else' };
    const appends = [meta, other, meta].map((one) => ({
      ...appendOf(freshStream(), 0),
      meta: one,
    }));
    await store().appendTogether(appends);
    const events = await Promise.all(appends.map(({ stream }) => store().load(stream)));
    expect(events.flat().map((event) => event.meta)).toEqual([meta, other, meta]);
    const odd = { ...meta, actor: 'a\0b' };
    await expect(
      store().appendTogether(
        [meta, odd, odd].map((m) => ({ ...appendOf(freshStream(), 0), meta: m })),
      ),
    ).rejects.toMatchObject({ code: 'event-store/append-refused' });
  });

  it('appends none of them when something stands against one', async () => {
    const taken = appendOf(freshStream(), 0);
    await store().append(taken);
    const foreign = appendOf(freshStream(), 0);
    await log().store('health').append(foreign);
    const late = `consumer-${uuidV7()}`;
    const cases: readonly (readonly [Append, string])[] = [
      [taken, 'event-store/stream-version-conflict'],
      [foreign, 'event-store/append-refused'],
      [appendOf(freshStream(), 0, [1], receipt(late, 2)), 'event-store/receipt-conflict'],
    ];
    for (const [wrong, code] of cases) {
      const [before, after] = [appendOf(freshStream(), 0), appendOf(freshStream(), 0, [1, 2])];
      const [alone, head] = [appendOf(freshStream(), 0), await store().head()];
      const [together, other] = await Promise.allSettled([
        store().appendTogether([before, wrong, { ...after, ...command() }]),
        store().append(alone),
      ]);
      expect(together).toMatchObject({ status: 'rejected', reason: { code } });
      expect(other.status).toBe('fulfilled');
      expect(await numbersOf(before, after, alone)).toEqual([0, 0, 1]);
      expect(await store().head()).toBe(head + 1);
    }
  });

  it('appends nothing and gives the first answer when the command was answered before', async () => {
    const same = command(7);
    const [first] = await store().appendTogether([appendOf(freshStream(), 0, [1], same)]);
    const [one, other] = [appendOf(freshStream(), 0), appendOf(freshStream(), 0, [1], same)];
    const again = { ...first, repeated: true };
    expect(await store().appendTogether([one, other])).toEqual([again, again]);
    expect(await numbersOf(one, other)).toEqual([0, 0]);
  });

  it('takes one receipt for several in a row, which must follow the last one', async () => {
    const consumer = `consumer-${uuidV7()}`;
    const take = (number: number, first?: number) =>
      store().appendTogether([
        appendOf(freshStream(), 0),
        appendOf(freshStream(), 0, [], receipt(consumer, number, first)),
      ]);
    await take(3, 1);
    await take(4);
    const conflict = { code: 'event-store/receipt-conflict', last: 4 };
    await expect(take(6, 4)).rejects.toMatchObject(conflict);
    await expect(take(7, 6)).rejects.toMatchObject(conflict);
    await take(9, 5);
    expect(await store().lastReceipt(consumer, 'health')).toBe(9);
  });

  it('lets many that share no stream through at once, and of those that share one the first', async () => {
    const shared = freshStream();
    const groups = Array.from({ length: 20 }, (_, n) => [
      appendOf(freshStream(), 0, [n]),
      appendOf(n < 2 ? shared : freshStream(), 0, [n]),
    ]);
    // One store: which of several is the first with the database, nobody knows.
    const one = store();
    const outcomes = await Promise.allSettled(groups.map((group) => one.appendTogether(group)));
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect(outcomes[1]).toMatchObject({ reason: { stream: shared } });
    expect(await numbersOf(...(groups[1] ?? []))).toEqual([0, 1]);
  });

  it.each<[string, () => readonly Append[]]>([
    ['none', () => []],
    ['too many', () => Array.from({ length: 513 }, () => appendOf(freshStream(), 0))],
    [
      'too much',
      () => {
        const text = 'x'.repeat(11 * 2 ** 20);
        const events = [{ type: 'Said', data: { text } }];
        return [1, 2, 3].map(() => ({ ...appendOf(freshStream(), 0), events }));
      },
    ],
    [
      'two to one stream',
      () => {
        const stream = freshStream();
        return [appendOf(stream, 0), appendOf(stream, 1)];
      },
    ],
    [
      'two commands',
      () => [1, 2].map((answer) => appendOf(freshStream(), 0, [1], command(answer))),
    ],
    [
      'two receipts',
      () => [1, 2].map((number) => appendOf(freshStream(), 0, [1], receipt('one', number))),
    ],
  ])('refuses %s together', async (_, appends) => {
    const head = await store().head();
    await expect(store().appendTogether(appends())).rejects.toMatchObject({
      code: 'event-store/append-refused',
    });
    expect(await store().head()).toBe(head);
  });

  it('loads many streams at once, each as it is alone', async () => {
    const [one, other, foreign] = [freshStream(), freshStream(), freshStream()];
    await store().append(appendOf(one, 0, [1, 2, 3]));
    await store().append(appendOf(other, 0, [4]));
    await log().store('health').append(appendOf(foreign, 0));
    const asked = [
      [one, 0],
      [freshStream(), 0],
      [other, 0],
      [one, 2],
      [foreign, 0],
      [one, 0],
    ] as const;
    const reader = store();
    const together = await Promise.all(asked.map(([stream, after]) => reader.load(stream, after)));
    const alone = [];
    for (const [stream, after] of asked) alone.push(await reader.load(stream, after));
    expect(together).toEqual(alone);
    expect(together.map((events) => events.length)).toEqual([3, 0, 1, 1, 0, 3]);
  });
}
