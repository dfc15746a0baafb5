import type { EndedCall } from '@downbeat/breakers';
import { Refusal, type AttemptContext } from '@downbeat/resilience';
import { HttpRefusal, type HttpAnswer } from './http-transport';
import type { InstanceEndpoint } from './instances';
import { observed } from './observed-transport';

const endpoint = { id: 'billing-1', service: 'billing', url: 'http://billing' } as InstanceEndpoint;
const request = { method: 'GET', path: '/invoices/42?full=1' };
const refusal = (status: number) => new HttpRefusal(status, '', undefined);

describe('a request that was sent', () => {
  const told = async (sent: Promise<HttpAnswer>): Promise<unknown[]> => {
    const calls: Partial<EndedCall>[] = [];
    let nowMs = 0;
    const send = observed(
      () => sent,
      (call) => void calls.push(call),
      () => (nowMs += 7),
    );
    await send(endpoint, request, {} as AttemptContext).catch(() => undefined);
    return calls;
  };

  it('is told of by whom it was to, and by its route', async () =>
    expect(await told(Promise.resolve({ status: 200, headers: {}, body: '' }))).toEqual([
      {
        ...{ target: 'billing', protocol: 'http', method: 'GET', endpoint: '/invoices/{id}' },
        ...{ end: 'ok', durationMs: 7 },
      },
    ]));

  it.each([
    ['is refused by the target', refusal(404), ['client_errors']],
    ['fails at the target', refusal(503), ['server_errors']],
    ['finds nobody', new Error('ECONNREFUSED'), ['unanswered']],
    ['takes too long', new Refusal('resilience/timed-out', ''), ['unanswered']],
    ['is given up by its caller', new Refusal('resilience/aborted', ''), []],
    ['was answered elsewhere first', new Refusal('resilience/answered-elsewhere', ''), []],
  ])('%s', async (_, failure, ends) =>
    expect(await told(Promise.reject(failure))).toMatchObject(ends.map((end) => ({ end }))),
  );
});
