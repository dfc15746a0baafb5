import { sendHalving } from './halving';

class Wrong extends Error {}
class Gone extends Error {}

/** Sends numbers; a negative one fails everything sent with it, and the connection ends after some calls. */
function sender(callsMax = 100) {
  const calls: (readonly number[])[] = [];
  const send = async (numbers: readonly number[]) => {
    calls.push(numbers);
    if (calls.length > callsMax) throw new Gone();
    if (numbers.some((n) => n < 0)) throw new Wrong();
    return numbers.map((n) => (n === 0 ? new Error('zero') : n * 10));
  };
  const blame = (n: number, fault: unknown) =>
    fault instanceof Wrong ? new RangeError(`${n} is wrong`) : undefined;
  return { calls, run: (numbers: readonly number[]) => sendHalving(numbers, send, blame) };
}

describe('sending by halves', () => {
  it('sends once when nothing is wrong, and passes outcomes on', async () => {
    const { calls, run } = sender();
    expect(await run([1, 0, 2])).toEqual([10, new Error('zero'), 20]);
    expect(calls).toHaveLength(1);
  });

  it.each([[[-1]], [[1, -2, 3, 4, 5, 6, 7, 8]], [[-1, -2, 3]], [[1, 2, 3, 4, -5]]])(
    'finds those of %j that are wrong, and sends the others, in order',
    async (numbers) => {
      expect(await sender().run(numbers)).toEqual(
        numbers.map((n) => (n < 0 ? new RangeError(`${n} is wrong`) : n * 10)),
      );
    },
  );

  it('finds one of 512 in few calls', async () => {
    const { calls, run } = sender();
    await run(Array.from({ length: 512 }, (_, n) => (n === 300 ? -1 : 1)));
    expect(calls.length).toBeLessThanOrEqual(1 + 2 * 9);
  });

  it('throws what is not the fault of one', async () => {
    await expect(sender(0).run([1, 2])).rejects.toThrow(Gone);
  });

  it('keeps the outcomes it has when the connection ends in between', async () => {
    expect(await sender(2).run([1, 2, -3, 4])).toEqual([10, 20, new Gone(), new Gone()]);
  });
});
