import { quickOnce } from './quick-once';

it('is content with one quick attempt, and makes no other after it', async () => {
  const made: number[] = [];
  await quickOnce(100, (number) => {
    made.push(number);
    return Promise.resolve(number === 1 ? 99 : 100);
  });
  expect(made).toEqual([0, 1]);
});

it('says what all took when none was quick', async () => {
  await expect(quickOnce(100, (number) => Promise.resolve(100 + number))).rejects.toThrow(
    'not once within 100 ms: the attempts took 100, 101, 102 ms',
  );
});
