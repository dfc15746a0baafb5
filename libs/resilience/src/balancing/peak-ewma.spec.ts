import * as fc from 'fast-check';
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

  it('says what is left to a ten-thousandth, however often and whenever it is asked', () => {
    const upTo = (max: number) => fc.double({ min: 0, max, noNaN: true });
    const waits = fc.array(fc.oneof(upTo(3), upTo(300)), { maxLength: 50 });
    fc.assert(
      fc.property(waits, (waitsMs) => {
        const latency = new PeakEwma(10_000);
        latency.saw(100, 0);
        let nowMs = 0;
        let before = latency.at(0);
        for (const ms of waitsMs) {
          nowMs += ms;
          const exact = 100 * Math.exp(-nowMs / 10_000);
          expect(Math.abs(latency.at(nowMs) - exact)).toBeLessThan(exact * 1.1e-4);
          expect(latency.at(nowMs)).toBeLessThanOrEqual(before);
          before = latency.at(nowMs);
        }
      }),
    );
  });

  it('is unknown again as soon as it is next to nothing', () => {
    const latency = new PeakEwma(1_000);
    latency.saw(0.005, 0);
    expect(latency.at(0)).toBe(0);
  });

  it('says at once what it has learnt, just after it was asked', () => {
    const latency = new PeakEwma(10_000);
    latency.saw(100, 0);
    expect(latency.at(5_000)).toBeLessThan(100);
    latency.saw(300, 5_000);
    expect(latency.at(5_000)).toBe(300);
  });
});
