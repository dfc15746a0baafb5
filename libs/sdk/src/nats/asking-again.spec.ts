import { AskingAgain } from './asking-again';

describe('whoever found no place', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('asks again within three seconds, however often it found none', () => {
    const asks: number[] = [];
    const asking = new AskingAgain(() => void asks.push(Date.now()));
    for (let refusals = 1; refusals <= 20; refusals++) {
      const refusedAt = Date.now();
      asking.refused();
      jest.advanceTimersByTime(3_000);
      expect(asks).toHaveLength(refusals);
      expect(asks.at(-1)).toBeLessThanOrEqual(refusedAt + 3_000);
    }
    asking.stop();
  });
});
