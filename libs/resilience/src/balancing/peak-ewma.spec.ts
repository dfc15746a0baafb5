import { PeakEwma } from './peak-ewma';

describe('a peak EWMA', () => {
  it('jumps to a peak at once and comes down slowly', () => {
    const latency = new PeakEwma(1_000);
    latency.saw(10, 0);
    latency.saw(100, 10);
    expect(latency.at(10)).toBe(100);
    latency.saw(10, 1_010);
    expect(latency.at(1_010)).toBeCloseTo(100 / Math.E + 10 * (1 - 1 / Math.E));
  });

  it('fades to nothing without calls', () => {
    const latency = new PeakEwma(1_000);
    latency.saw(100, 0);
    expect(latency.at(1_000)).toBeCloseTo(100 / Math.E);
    expect(latency.at(60_000)).toBe(0);
  });

  it('does not come down by a call that did not end well', () => {
    const latency = new PeakEwma(1_000);
    latency.saw(100, 0);
    latency.sawAtLeast(1, 500);
    expect(latency.at(500)).toBeCloseTo(100 * Math.exp(-0.5));
    latency.sawAtLeast(200, 500);
    expect(latency.at(500)).toBe(200);
  });

  it('believes a failure that took longer than what is left of an old latency', () => {
    const latency = new PeakEwma(1_000);
    latency.saw(100, 0);
    latency.sawAtLeast(50, 60_000);
    expect(latency.at(60_000)).toBe(50);
  });
});
