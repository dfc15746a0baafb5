import { causeOf } from './cause';

describe('the cause of a dead letter', () => {
  const invalid = (value: string) =>
    causeOf('registry-commands', `invalid-input: port must be at most 65535, got ${value}`);

  it('is the same for reasons that differ in numbers, ids and quoted values only', () => {
    expect(invalid('70000')).toBe(invalid('99999'));
    expect(invalid('"a"')).toBe(invalid('"b"'));
    expect(causeOf('x', 'run 0198c2a4-7d1e-5c3b-9a52-3f1f0a9f3c11 is gone')).toBe(
      causeOf('x', 'run 1111c2a4-7d1e-5c3b-9a52-3f1f0a9f3c22 is gone'),
    );
  });

  it('differs where the field or the consumer differs', () => {
    expect(causeOf('x', 'port is missing')).not.toBe(causeOf('x', 'host is missing'));
    expect(causeOf('x', 'port is missing')).not.toBe(causeOf('y', 'port is missing'));
  });
});
