import { z } from 'zod';
import type { NatsLink, NatsMessage } from '../nats/nats-link';
import { Broadcasts } from './broadcasts';
import type { MessageEvent } from './events';
import { topic } from './topic';

const place = topic('place', z.object({ at: z.string().transform((at) => new URL(at).host) }));

describe('broadcasts', () => {
  const told: MessageEvent[] = [];
  const defects: string[] = [];
  let say: (body: string) => void;
  const broadcasts = new Broadcasts({
    link: {
      subscribe: (_: string, listen: (message: NatsMessage) => void) => {
        say = (body) => listen({ body, headers: {} });
        return () => undefined;
      },
    } as unknown as NatsLink,
    sender: 'shop',
    tell: (event) => told.push(event),
    onDefect: (where, defect) => defects.push(`${where}: ${String(defect)}`),
  });
  const turn = (): Promise<void> => new Promise(setImmediate);
  beforeEach(() => {
    told.length = 0;
    defects.length = 0;
  });

  it('whose schema throws are a defect, and do not end the process', async () => {
    const heard: string[] = [];
    broadcasts.hear(place, ({ at }) => void heard.push(at));
    say('{"at":"no address"}');
    say('{"at":"http://a:1"}');
    await turn();
    expect([heard, defects]).toEqual([['a:1'], [expect.stringMatching(/^broadcast place: .*URL/)]]);
  });

  it('are missed beyond a thousand that are under way, and heard again afterwards', async () => {
    const ends: (() => void)[] = [];
    broadcasts.hear(place, () => new Promise((resolve) => ends.push(resolve)));
    for (let count = 0; count < 1_010; count++) say('{"at":"http://a"}');
    await turn();
    expect([ends.length, told]).toEqual([1_000, [{ type: 'broadcasts-missed', topic: 'place' }]]);
    ends[0]?.();
    await turn();
    say('{"at":"http://a"}');
    await turn();
    expect(ends).toHaveLength(1_001);
  });
});
