import { causeOf, withoutValues } from './cause';

describe('the cause of a dead letter', () => {
  it.each([
    ['port must be at most 65535, got 70000', 'port must be at most 65535, got 99999'],
    ['got "a"', 'got "b c"'],
    ["got 'a'", "got 'b, 2'"],
    ['got `a`', 'got `b`'],
    [
      'run 0198c2a4-7d1e-5c3b-9a52-3f1f0a9f3c11 is gone',
      'run 1111c2a4-7d1e-5c3b-9a52-3f1f0a9f3c22 is gone',
    ],
    ['no order-17', 'no order-4711'],
    ['commit deadbeef12 is unknown', 'commit 1cafebabe99 is unknown'],
    ['key 01J9ZQ3K5V7W8X9Y is used', 'key 01JAB3K5V7W8X9YQQ is used'],
    ['due at 2026-03-01T09:30:00.000Z', 'due at 2026-11-22T23:59:59+01:00'],
    ['paid -12.50, of 1.2e9', 'paid 3, of 7'],
    ['connect ECONNREFUSED 10.0.0.7:5432', 'connect ECONNREFUSED 192.168.17.1:80'],
    ['one of "a", "b"', 'one of "a", "b", "c"'],
    ['at  two\tplaces', 'at two places'],
  ])('is the same for %s and %s', (one, other) => {
    expect(causeOf('x', one)).toBe(causeOf('x', other));
  });

  it.each([
    ['port is missing', 'host is missing'],
    ['invalid-input: gone', 'conflict: gone'],
    ["can't reach stock, won't wait", "can't reach mail, won't wait"],
    ['', 'x'],
  ])('differs between %s and %s', (one, other) => {
    expect(causeOf('x', one)).not.toBe(causeOf('x', other));
  });

  it('differs where the consumer differs', () => {
    expect(causeOf('x', 'port is missing')).not.toBe(causeOf('y', 'port is missing'));
  });

  it('is found in time however a reason was made to look', () => {
    for (const odd of ['"', "'", '-', '1,', 'a1', ' ', '2026-'].map((one) => one.repeat(50_000)))
      expect(causeOf('x', odd)).toMatch(/^[0-9a-f]{16}$/);
  });

  it('says nothing of what the message held', () => {
    const reason = 'invalid-input: card must be a number, got "4111 1111 1111 1111" of 2026-01-02';
    expect(withoutValues(reason)).toBe('invalid-input: card must be a number, got ? of ?');
  });
});
