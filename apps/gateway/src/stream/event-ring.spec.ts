import type { LogEvent } from './log-page';
import { EventRing, frameOf } from './event-ring';

const frame = (position: number, text = 'x') => frameOf({ position, data: text } as LogEvent);
const filled = (ring: EventRing, count: number, text?: string): EventRing => {
  for (let position = 11; position < 11 + count; position++) ring.push(frame(position, text));
  return ring;
};
const positionAfter = (ring: EventRing, position: number) => ring.after(position)?.event.position;

describe('the ring of newest events', () => {
  it('gives the event behind a position, as long as it is there', () => {
    const ring = filled(new EventRing(5, 10_000), 3);
    expect([9, 10, 11, 12, 13, 14].map((position) => positionAfter(ring, position))).toEqual([
      undefined,
      11,
      12,
      13,
      undefined,
      undefined,
    ]);
  });

  it('keeps so many events, the newest', () => {
    const ring = filled(new EventRing(5, 10_000), 20);
    expect([24, 25, 26, 29].map((position) => positionAfter(ring, position))).toEqual([
      undefined,
      26,
      27,
      30,
    ]);
  });

  it('keeps so many characters, but always the newest event', () => {
    const ring = filled(new EventRing(100, 1_000), 20, 'x'.repeat(400));
    expect([28, 29].map((position) => positionAfter(ring, position))).toEqual([29, 30]);
    expect(positionAfter(ring, 27)).toBeUndefined();

    const large = filled(new EventRing(100, 1_000), 3, 'x'.repeat(4_000));
    expect([11, 12].map((position) => positionAfter(large, position))).toEqual([undefined, 13]);
  });

  it('is empty at the start and when cleared', () => {
    const ring = new EventRing(5, 10_000);
    expect(positionAfter(ring, 10)).toBeUndefined();
    filled(ring, 3).clear();
    expect(positionAfter(ring, 10)).toBeUndefined();
  });
});
