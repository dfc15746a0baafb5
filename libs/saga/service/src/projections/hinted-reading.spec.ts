import type { MessageBus } from '@downbeat/message-bus';
import { HintedReading, type AsOf } from './hinted-reading';

let hint: (payload: object) => void;
let reading: HintedReading;
const read: AsOf[] = [];
beforeEach(() => {
  jest.useFakeTimers();
  read.length = 0;
  const bus = {
    onHint: (_: string, listener: typeof hint) => {
      hint = listener;
      return () => undefined;
    },
  } as unknown as MessageBus;
  reading = new HintedReading('reading', 5_000, bus, 'hint.test', (as) => {
    read.push(as);
    return Promise.resolve();
  });
  reading.start();
});
afterEach(async () => {
  await reading.stop();
  jest.useRealTimers();
});

const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

describe('reading after a hint', () => {
  it('asks for what was hinted at', async () => {
    await pass(1);
    hint({ position: 7 });
    await pass(1);
    hint({ position: 3 });
    await pass(1);
    expect(read).toEqual([{}, { min_position: 7 }, { min_position: 7 }]);
  });

  it('does not ask for ever for what may never be there: the log may have been put back', async () => {
    hint({ position: 1_000 });
    await pass(40_000);
    expect(read.at(-1)).toEqual({});
    hint({ position: 12 });
    await pass(1);
    expect(read.at(-1)).toEqual({ min_position: 12 });
  });

  it.each([1e300, Number.NaN, 0.5, '7'])('asks for no position %p', async (position) => {
    hint({ position });
    await pass(1);
    expect(read).toEqual([{}]);
  });
});
