import { RequestHeldBack, type MessageBus, type RequestOptions } from '@downbeat/message-bus';
import type { CallEffect } from '@downbeat/saga-domain';
import { CallableSubjects } from './callable-subjects';
import { NatsTarget } from './nats-target';

const effect = {
  ...{ endpoint: 'nats:venue.hold', input: {}, timeoutMs: 100, key: 'k', attempt: 1 },
} as unknown as CallEffect;

describe('a call over NATS', () => {
  let whileNotConnected: () => void;
  let sent: number;
  let target: NatsTarget;
  beforeEach(() => {
    [whileNotConnected, sent] = [() => undefined, 0];
    const bus = {
      request: async (subject: string, _: string, { maySend }: RequestOptions) => {
        whileNotConnected();
        if (maySend?.() === false) throw new RequestHeldBack(subject);
        sent++;
        return { body: '{"id":1}', headers: {} };
      },
    };
    const everything = { refusalOf: () => undefined } as unknown as CallableSubjects;
    target = new NatsTarget(bus as unknown as MessageBus, everything);
  });

  it('gives what was replied', async () => {
    const context = { correlationId: 'c', mayCall: () => true };
    expect(await target.call(effect, context)).toEqual({ kind: 'ok', output: { id: 1 } });
    expect(await target.call(effect, { correlationId: 'c' })).toMatchObject({ kind: 'ok' });
  });

  it('sends nothing for a run that was taken over while there was no connection', async () => {
    let isHeld = true;
    whileNotConnected = () => (isHeld = false);
    const context = { correlationId: 'c', mayCall: () => isHeld };
    expect(await target.call(effect, context)).toBeUndefined();
    expect(sent).toBe(0);
  });
});
