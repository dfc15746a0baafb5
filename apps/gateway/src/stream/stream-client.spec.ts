import { PassThrough } from 'node:stream';
import { frameOf, type Frame } from './event-ring';
import type { LogEvent } from './log-page';
import { StreamClient } from './stream-client';
import { StreamSettings } from './stream-settings';

const EVENTS = 500;
const frames: readonly Frame[] = Array.from({ length: EVENTS }, (_, at) =>
  frameOf({ position: at + 1, data: 'x'.repeat(1_000) } as LogEvent),
);
const everything = frames.map(({ text }) => text).join('');
const reader = { head: EVENTS, frameAfter: (position: number) => frames[position] };

/** A connection that takes little at a time. */
const connection = () => new PassThrough({ highWaterMark: 4_000 });
const clientOf = (response: PassThrough, stalledMs: number) =>
  new StreamClient(
    undefined as never,
    reader as never,
    Object.assign(new StreamSettings(), { stalledMs }),
    response as never,
    {},
  );
const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
};

describe('a client of the stream', () => {
  it('gets no more than its connection takes', async () => {
    const response = connection();
    const running = clientOf(response, 60_000).run(0);
    await turns(100);
    expect(response.writableLength + response.readableLength).toBeLessThan(12_000);
    response.destroy();
    await running;
  });

  it('gets everything in order when it reads at last', async () => {
    const response = connection();
    const running = clientOf(response, 60_000).run(0);
    await turns(100);
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) {
      text += String(chunk);
      if (text.length === everything.length) break;
    }
    expect(text).toBe(everything);
    await running;
  });

  it('is let go when it reads nothing for too long', async () => {
    const response = connection();
    await clientOf(response, 20).run(0);
    expect(response.destroyed).toBe(true);
  });
});
