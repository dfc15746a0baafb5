import { median, percentile, rounded } from './statistics';

describe('the median', () => {
  it('is the value in the middle', () => expect(median([9, 1, 5])).toBe(5));
  it('is between the two in the middle', () => expect(median([1, 9, 3, 5])).toBe(4));
  it('of nothing is no number', () => expect(median([])).toBeNaN());
});

describe('a percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, n) => 100 - n);
  it('is the value that many are not above', () => {
    expect(percentile(hundred, 0.5)).toBe(50);
    expect(percentile(hundred, 0.99)).toBe(99);
  });
  it('of one value is that value', () => expect(percentile([7], 0.99)).toBe(7));
  it('of nothing is no number', () => expect(percentile([], 0.5)).toBeNaN());
});

describe('a rounded figure', () => {
  it('keeps three digits', () => expect(rounded(0.123_456)).toBe(0.123));
  it('keeps whole thousands exact', () => expect(rounded(12_345.6)).toBe(12_346));
});
