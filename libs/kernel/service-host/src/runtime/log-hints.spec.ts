import type { LogHint } from '@downbeat/event-store';
import type { MessageBus } from '@downbeat/message-bus';
import { logHints } from './log-hints';

describe('hints of the log on the bus', () => {
  const heard: LogHint[] = [];
  const sent: [string, unknown][] = [];
  let arrive: (payload: unknown) => void = () => undefined;
  const hints = logHints(
    {
      hint: (subject: string, payload: unknown) => sent.push([subject, payload]),
      onHint: (_: string, listener: (payload: unknown) => void) => {
        arrive = listener;
        return () => undefined;
      },
    } as unknown as MessageBus,
    'journal',
  );
  hints.subscribe((hint) => heard.push(hint));
  beforeEach(() => {
    heard.length = sent.length = 0;
  });

  it('say how far the log reaches and whose events are new', () => {
    hints.publish({ position: 4, contexts: ['saga'] });
    hints.publish({ position: 5 });
    expect(sent).toEqual([
      ['hint.log.journal', { position: 4, contexts: ['saga'] }],
      ['hint.log.journal', { position: 5 }],
    ]);
    for (const [, payload] of sent) arrive(payload);
    expect(heard).toEqual([{ position: 4, contexts: ['saga'] }, { position: 5 }]);
  });

  it.each([[null], ['saga'], [[1]]])('concern everybody when the contexts are %j', (contexts) => {
    arrive({ position: 4, contexts });
    expect(heard).toEqual([{ position: 4 }]);
  });

  it.each([[null], [7], [{ position: '4' }]])('mean nothing when they are %j', (payload) => {
    arrive(payload);
    expect(heard).toEqual([]);
  });
});
