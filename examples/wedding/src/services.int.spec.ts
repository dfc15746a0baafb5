import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { callLogFile, parseCallLog, type CallRecord } from './call-log';
import { PARTICIPANT_NAMES, type ParticipantName } from './participant';
import { startParticipant, type ParticipantProcess } from './participant-process';

const ROOT = join(__dirname, '..', '..', '..');

/** What the five processes told the gateway, and somebody who waits for a call of theirs. */
const registered: { readonly call: string; readonly body: Record<string, unknown> }[] = [];
let heard: () => void = () => undefined;

const told = (isIt: () => boolean): Promise<void> =>
  new Promise((resolve) => {
    heard = () => {
      if (isIt()) resolve();
    };
    heard();
  });

describe('the services of the wedding, as processes', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'wedding-'));
  const running = new Map<ParticipantName, ParticipantProcess>();
  let gateway: Server;
  let gatewayUrl: string;

  beforeAll(async () => {
    execFileSync(process.execPath, [
      join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'),
      '-b',
      join(ROOT, 'examples', 'wedding'),
    ]);
    gateway = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        const body = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
        registered.push({ call: `${request.method} ${request.url}`, body });
        response.writeHead(202).end('{}');
        heard();
      });
    });
    await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve));
    gatewayUrl = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`;
    await Promise.all(PARTICIPANT_NAMES.map(start));
  }, 60_000);

  afterAll(async () => {
    await Promise.all([...running.values()].map((process) => process.stop()));
    gateway.closeAllConnections();
    await new Promise((resolve) => gateway.close(resolve));
    rmSync(dataDir, { recursive: true });
  });

  async function start(name: ParticipantName): Promise<ParticipantProcess> {
    const started = await startParticipant(name, { dataDir, gatewayUrl });
    running.set(name, started);
    return started;
  }

  const urlOf = (name: ParticipantName): string => running.get(name)?.url ?? '';

  const ask = async (
    name: ParticipantName,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ) => {
    const response = await fetch(urlOf(name) + path, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(5_000),
    });
    const text = await response.text();
    return { status: response.status, body: JSON.parse(text) as Record<string, unknown>, response };
  };
  const call = (
    name: ParticipantName,
    path: string,
    key: string,
    body: unknown,
    headers: Record<string, string> = {},
  ) => ask(name, 'POST', path, body, { 'idempotency-key': key, ...headers });
  const plant = (name: ParticipantName, fault: object) => ask(name, 'POST', '/faults', fault);
  const logOf = async (
    name: ParticipantName,
    bookingId: string,
  ): Promise<readonly CallRecord[]> => {
    const { body } = await ask(name, 'GET', '/log');
    return (body['records'] as CallRecord[]).filter(({ booking_id }) => booking_id === bookingId);
  };
  const outcomes = async (name: ParticipantName, bookingId: string) =>
    (await logOf(name, bookingId)).map(({ outcome }) => outcome);

  let days = 0;
  const wish = (booking_id: string) => ({
    booking_id,
    venue: 'hall',
    date: new Date(Date.UTC(2026, 0, ++days)).toISOString().slice(0, 10),
  });

  it('register themselves with a health check each second', async () => {
    for (const name of PARTICIPANT_NAMES) {
      const instance = `POST /api/orchestration/services/${name}/instances`;
      await told(() => registered.some(({ call: seen }) => seen === instance));
      const service = registered.find(({ body }) => body['service_name'] === name);
      expect(service?.body).toMatchObject({
        health_check_endpoint: '/health',
        health_check: { interval_ms: 1_000 },
      });
      const body = registered.find(({ call: seen }) => seen === instance)?.body;
      expect(`http://${String(body?.['ip_address'])}:${String(body?.['port'])}`).toBe(urlOf(name));
      expect((await ask(name, 'GET', '/health')).body).toMatchObject({
        status: 'healthy',
        service: name,
      });
    }
  });

  it('have an effect once a key, and give the same answer again', async () => {
    const hold = wish('once');
    const first = await call('venue', '/holds', 'once:hold', hold);
    const again = await call('venue', '/holds', 'once:hold', { ...hold });
    expect(first.status).toBe(201);
    expect(again.status).toBe(201);
    expect(again.body).toEqual(first.body);
    expect(await outcomes('venue', 'once')).toEqual(['applied', 'replayed']);
  });

  it('repeat a refusal too, though it would be granted by now', async () => {
    const hold = wish('holder');
    await call('venue', '/holds', 'holder:hold', hold);
    const wanted = { ...hold, booking_id: 'late' };
    expect((await call('venue', '/holds', 'late:hold', wanted)).status).toBe(409);
    await call('venue', '/holds/release', 'holder:release', { booking_id: 'holder' });
    expect((await call('venue', '/holds', 'late:hold', wanted)).status).toBe(409);
    expect((await call('venue', '/holds', 'late:hold-again', wanted)).status).toBe(201);
  });

  it('refuse a key that is used for something else, or missing', async () => {
    await call('venue', '/holds', 'reused', wish('reused'));
    expect((await call('venue', '/holds', 'reused', wish('other'))).status).toBe(422);
    expect((await call('venue', '/holds', 'reused', wish('reused'))).status).toBe(422);
    expect(await outcomes('venue', 'reused')).toEqual(['applied', 'refused']);
    expect((await ask('venue', 'POST', '/holds', wish('keyless'))).status).toBe(400);
    expect(await logOf('venue', 'keyless')).toEqual([]);
  });

  it.each([
    ['GET', '/holds', 405],
    ['POST', '/nowhere', 404],
    ['GET', '//', 404],
  ])('answer %s %s with %d', async (method, path, status) =>
    expect((await ask('venue', method, path)).status).toBe(status),
  );

  it('refuse bodies they cannot read', async () => {
    const raw = async (body: string) => {
      const headers = { 'idempotency-key': 'raw' };
      return (await fetch(`${urlOf('venue')}/holds`, { method: 'POST', body, headers })).status;
    };
    expect(await raw('{')).toBe(400);
    expect(await raw('[]')).toBe(400);
    expect(await raw(JSON.stringify({ booking_id: 'x'.repeat(70_000) }))).toBe(413);
  });

  it('keep state and answers over a crash, and lose a line that was cut short', async () => {
    const hold = wish('survivor');
    const first = await call('venue', '/holds', 'survivor:hold', hold);
    const logBefore = await logOf('venue', 'survivor');
    await running.get('venue')?.stop('SIGKILL');
    const file = callLogFile(dataDir, 'venue');
    const recordsBefore = readFileSync(file, 'utf8').split('\n').length - 1;
    appendFileSync(file, '{"service":"venue","se');
    await start('venue');
    expect((await call('venue', '/holds', 'survivor:hold', hold)).body).toEqual(first.body);
    expect(
      (await call('venue', '/holds', 'rival:hold', { ...hold, booking_id: 'rival' })).status,
    ).toBe(409);
    const log = await logOf('venue', 'survivor');
    expect(log.slice(0, 1)).toEqual(logBefore);
    expect(log[1]).toMatchObject({ outcome: 'replayed', seq: recordsBefore + 1 });
    expect(parseCallLog(readFileSync(file, 'utf8')).at(-1)).toMatchObject({ booking_id: 'rival' });
  });

  describe('fail on demand:', () => {
    const order = (booking_id: string) => ({ ...wish(booking_id), menu: 'summer', guests: 80 });

    it('fail n times, then work', async () => {
      await plant('catering', {
        operation: '/orders',
        mode: 'fail',
        count: 2,
        retry_after_seconds: 3,
      });
      const body = order('fail');
      const answers = [];
      for (let call_ = 0; call_ < 3; call_++)
        answers.push(await call('catering', '/orders', 'fail:order', body));
      expect(answers.map(({ status }) => status)).toEqual([503, 503, 201]);
      expect(answers[0]?.response.headers.get('retry-after')).toBe('3');
      expect(await outcomes('catering', 'fail')).toEqual(['failed', 'failed', 'applied']);
    });

    it('fail-after: an error after the effect', async () => {
      await plant('catering', { operation: '/orders', mode: 'fail-after', status: 500 });
      const body = order('fail-after');
      expect((await call('catering', '/orders', 'fail-after:order', body)).status).toBe(500);
      expect((await call('catering', '/orders', 'fail-after:order', body)).status).toBe(201);
      expect(await outcomes('catering', 'fail-after')).toEqual(['applied', 'replayed']);
    });

    it.each([
      ['drop', ['applied', 'replayed']],
      ['drop-before', ['failed', 'applied']],
    ])('%s: the connection breaks', async (mode, expected) => {
      await plant('catering', { operation: '/orders', mode });
      const body = order(mode);
      await expect(call('catering', '/orders', `${mode}:order`, body)).rejects.toThrow(
        'fetch failed',
      );
      expect((await call('catering', '/orders', `${mode}:order`, body)).status).toBe(201);
      expect(await outcomes('catering', mode)).toEqual(expected);
    });

    it.each([
      ['hang', ['failed', 'applied']],
      ['hang-after', ['applied', 'replayed']],
    ])('%s: no answer', async (mode, expected) => {
      await plant('catering', { operation: '/orders', mode });
      const body = order(mode);
      const headers = { 'idempotency-key': `${mode}:order` };
      await expect(
        fetch(`${urlOf('catering')}/orders`, {
          method: 'POST',
          headers,
          body: JSON.stringify(body),
          signal: AbortSignal.timeout(150),
        }),
      ).rejects.toMatchObject({ name: 'TimeoutError' });
      expect((await call('catering', '/orders', `${mode}:order`, body)).status).toBe(201);
      expect(await outcomes('catering', mode)).toEqual(expected);
    });

    it('delay: a late answer', async () => {
      await plant('catering', { operation: '/orders', mode: 'delay', delay_ms: 120 });
      const begin = performance.now();
      expect((await call('catering', '/orders', 'delay:order', order('delay'))).status).toBe(201);
      expect(performance.now() - begin).toBeGreaterThanOrEqual(115);
    });

    it('duplicate: the call arrives twice', async () => {
      const answer = await call('catering', '/orders', 'duplicate:order', order('duplicate'), {
        'x-wedding-fault': 'duplicate',
      });
      expect(answer.status).toBe(201);
      expect(await outcomes('catering', 'duplicate')).toEqual(['applied', 'replayed']);
    });

    it('for one booking only', async () => {
      await plant('catering', { operation: '/orders', mode: 'fail', booking_id: 'chosen' });
      expect((await call('catering', '/orders', 'spared:order', order('spared'))).status).toBe(201);
      expect((await call('catering', '/orders', 'chosen:order', order('chosen'))).status).toBe(503);
    });

    it('the health check too', async () => {
      await plant('catering', { operation: '/health', mode: 'fail' });
      expect((await ask('catering', 'GET', '/health')).status).toBe(503);
      expect((await ask('catering', 'GET', '/health')).status).toBe(200);
    });

    it('until the faults are cleared', async () => {
      await plant('catering', { operation: '/orders', mode: 'fail', count: 100 });
      await ask('catering', 'DELETE', '/faults');
      expect((await call('catering', '/orders', 'cleared:order', order('cleared'))).status).toBe(
        201,
      );
    });

    it.each([
      [{ operation: '/orders', mode: 'explode' }, 'mode'],
      [{ mode: 'fail' }, 'operation'],
      [{ operation: '/orders', mode: 'fail', count: 0 }, 'count'],
      [{ operation: '/orders', mode: 'fail', status: 200 }, 'status'],
      [{ operation: '/orders', mode: 'delay', delay_ms: -1 }, 'delay_ms'],
    ])('but not as %j', async (fault, field) => {
      const { status, body } = await plant('catering', fault);
      expect(status).toBe(400);
      expect(body['detail']).toContain(field);
    });
  });

  it('deregister when they are asked to stop, also with a call that hangs', async () => {
    await plant('photographer', { operation: '/bookings', mode: 'hang' });
    const hanging = call('photographer', '/bookings', 'hanging', wish('hanging')).catch(
      () => 'gone',
    );
    await expect(Promise.race([hanging, untilLogged('photographer', 'hanging')])).resolves.toBe(
      'logged',
    );
    expect(await running.get('photographer')?.stop()).toBe(0);
    expect(await hanging).toBe('gone');
    const gone = registered.filter(({ call: seen }) =>
      seen.startsWith('DELETE /api/orchestration/services/photographer/instances/'),
    );
    expect(gone).toHaveLength(1);
  });

  async function untilLogged(name: ParticipantName, bookingId: string): Promise<'logged'> {
    for (let tries = 0; tries < 500; tries++) {
      if ((await logOf(name, bookingId)).length > 0) return 'logged';
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`${name} has not logged ${bookingId}`);
  }
});
