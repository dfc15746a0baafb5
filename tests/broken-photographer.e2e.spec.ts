import { eventually } from '@downbeat/test-bench';
import type { AnswerOf, healthContract, observabilityContract } from '@downbeat/contracts';
import { book, ended, eventsOf, type Booking, type StoredEvent } from './support/bookings';
import { first } from './support/first';
import { SpanForwarder, tracedTo } from './support/span-forwarder';
import { Suite } from './support/suite';

jest.setTimeout(240_000);

/** The suite itself takes no longer. */
const VERIFY_MS = 120_000;
const WAIT_MS = 90_000;
const BOOKED = '/bookings';
type ServiceMap = AnswerOf<typeof observabilityContract.getServiceMap>;
type Series = AnswerOf<typeof observabilityContract.getCalls>;
type Breaker = AnswerOf<typeof healthContract.circuitBreakerMetrics>;
type Trace = AnswerOf<typeof observabilityContract.getTrace>;

interface Status {
  readonly workflow: { readonly current_status: string };
  readonly steps: readonly {
    readonly step_name: string;
    readonly status: string;
    readonly retry_count: number;
  }[];
}

/** Five failures in a row open the way, and one second later it is tried again. */
const BREAKER = {
  ...{ service_name: 'downbeat-saga', target_service: 'photographer' },
  ...{ failure_threshold: 5, success_threshold: 2, timeout_duration: 1 },
};

/**
 * Goal: whatever view is looked at, it shows what took place, to the event.
 * Method: the photographer refuses every call for one wedding, and for some time those for all. What
 * the services wrote down themselves, and what the log holds, is compared with what each view shows.
 */
describe('the demo with a broken photographer', () => {
  const forwarder = new SpanForwarder();
  let suite: Suite;
  let broken: Booking;
  let breakerId: string;
  let statuses: readonly string[];
  let events: readonly StoredEvent[];

  beforeAll(async () => {
    suite = await Suite.start({ settings: tracedTo(await forwarder.start()) });
    forwarder.target = suite.app('health').url;
    await breakPhotographer({ booking_id: 'broken-0' });
    broken = first(await book(suite, 'broken', 1));
    await ended(suite, [broken], WAIT_MS);
    const others = [...(await book(suite, 'well', 2)), ...(await storm())];
    statuses = [...(await ended(suite, [broken, ...others], WAIT_MS)).values()];
    events = await eventsOf(suite, `stream=workflow-${broken.workflow_id}`);
  });
  afterAll(async () => {
    await suite?.stop();
    forwarder.stop();
  });

  /** Nobody gets a photographer until the saga has stopped asking; then he is well. */
  async function storm(): Promise<readonly Booking[]> {
    const { body } = await suite.request<{ breaker_id: string }>(
      ...(['POST', '/circuit-breakers', BREAKER] as const),
    );
    breakerId = body.breaker_id;
    await breakPhotographer({});
    const bookings = await book(suite, 'storm', 8);
    await eventually(
      () => eventsOf(suite, 'type=BreakerTransitioned'),
      (told) => expect(told.map(({ data }) => data['breaker_id'])).toContain(breakerId),
      WAIT_MS,
    );
    await atPhotographer('DELETE');
    return bookings;
  }

  async function breakPhotographer(which: { readonly booking_id?: string }): Promise<void> {
    const fault = { operation: BOOKED, mode: 'fail', count: 1_000, ...which };
    expect(await atPhotographer('POST', fault)).toBe(201);
  }

  async function atPhotographer(method: string, body?: object): Promise<number> {
    const { instances } = await eventually(
      () =>
        suite.get<{ instances: { url: string }[] }>(
          '/discovery/instances?service_name=photographer',
        ),
      // On a busy machine its check may have failed a moment ago.
      (found) => expect(found.instances).toHaveLength(1),
    );
    const answer = await fetch(`${first(instances).url}/faults`, {
      ...{ method, headers: { 'content-type': 'application/json' } },
      ...(body && { body: JSON.stringify(body) }),
    });
    return answer.status;
  }

  const ofType = (...types: readonly string[]): readonly StoredEvent[] =>
    events.filter(({ type }) => types.includes(type));
  /** Calls that were made: those of steps, and those that undo. */
  const calls = () => suite.callLogs().filter(({ booking_id }) => booking_id === broken.booking_id);
  const atThePhotographer = () =>
    suite.callLogs().filter(({ service }) => service === 'photographer');
  const refused = () => atThePhotographer().filter(({ outcome }) => outcome === 'failed');

  it('is in the log as the services saw it', () => {
    const failed = ofType('StepAttemptFailed').map(({ data }) => [data['step'], data['status']]);
    // Four retries.
    expect(failed).toEqual(Array.from({ length: 5 }, () => ['book-photographer', 503]));
    expect(refused().filter(({ booking_id }) => booking_id === 'broken-0')).toHaveLength(5);
    const made = ofType('StepStarted', 'StepRetried', 'UndoStarted', 'UndoRetried');
    expect(made).toHaveLength(calls().length);
  });

  it('is in the status, now and at each moment before', async () => {
    const path = `/workflows/${broken.workflow_id}/status`;
    const now = await suite.get<Status>(path);
    expect(now.workflow.current_status).toBe('compensated');
    const status = Object.fromEntries(now.steps.map((step) => [step.step_name, step.status]));
    expect(status).toMatchObject({
      ...{ 'hold-venue': 'compensated', 'order-catering': 'compensated' },
      ...{ 'book-photographer': 'failed' },
    });
    for (const [number, { position }] of ofType('StepAttemptFailed').entries()) {
      const { steps } = await suite.get<Status>(`${path}?at=${position - 1}`);
      const then = first(steps, ({ step_name }) => step_name === 'book-photographer');
      expect([then.status, then.retry_count]).toEqual(['running', number]);
    }
  });

  it('is in the list of runs, by how they ended', async () => {
    // A run tells how it ended before the list knows of it.
    await eventually(
      () => suite.get<{ status_summary: object }>('/workflows'),
      ({ status_summary }) => {
        for (const status of ['completed', 'compensated'])
          expect(status_summary).toMatchObject({
            [status]: statuses.filter((one) => one === status).length,
          });
      },
    );
  });

  it('is on the edge from the saga to the photographer, call for call', async () => {
    const made = atThePhotographer().length;
    const errors = refused().length;
    expect(errors).toBeGreaterThan(5);
    const map = await eventually(
      () => suite.get<ServiceMap>('/observability/service-map'),
      ({ connections }) =>
        expect(
          connections.find(
            (one) =>
              one.source_service === 'downbeat-saga' && one.target_service === 'photographer',
          ),
        ).toMatchObject({ request_count_1h: made, error_count_1h: errors }),
      WAIT_MS,
    );
    const shown = first(map.services, ({ service_name }) => service_name === 'photographer');
    expect(shown.error_rate).toBeCloseTo(errors / made, 5);
    const { endpoints, total } = await suite.get<Series>(
      '/observability/calls?source_service=downbeat-saga&target_service=photographer',
    );
    expect(total).toMatchObject({ calls: made, errors });
    expect(first(endpoints, ({ endpoint }) => endpoint === BOOKED)).toMatchObject({ errors });
  });

  it('is one trace, with a span for each call that was made', async () => {
    const traceId = String(first(events).meta['traceparent']).slice(3, 35);
    const spans = (found: Trace) =>
      found.spans.filter(({ operation_name }) => operation_name.startsWith('call '));
    const trace = await eventually(
      () => suite.get<Trace>(`/traces/${traceId}?limit=10000`),
      (found) => expect(spans(found)).toHaveLength(calls().length),
      WAIT_MS,
    );
    expect(trace.trace.status).toBe('error');
    const failed = spans(trace).filter(({ status_code }) => status_code === 'error');
    expect(failed.map(({ operation_name }) => operation_name)).toEqual(
      Array.from({ length: 5 }, () => 'call photographer'),
    );
    const { traces } = await suite.get<{ traces: { trace_id: string }[] }>(
      '/traces/search?has_errors=true&operation_name=call%20photographer',
    );
    expect(traces.map(({ trace_id }) => trace_id)).toContain(traceId);
  });

  it('is in the breaker that the saga holds, call for call', async () => {
    const id = breakerId;
    await eventually(
      () => suite.get<Breaker>(`/circuit-breakers/${id}/metrics`),
      ({ metrics }) =>
        expect([metrics.total_requests_24h, metrics.failed_requests_24h]).toEqual([
          atThePhotographer().length,
          refused().length,
        ]),
      WAIT_MS,
    );
    // Each is asked for itself, and it may change between two questions.
    await eventually(
      async () => ({
        ...(await suite.get<Breaker>(`/circuit-breakers/${id}/metrics`)),
        ...(await suite.get<{ circuit_breaker: object }>(`/circuit-breakers/${id}`)),
        told: await eventsOf(suite, 'type=BreakerTransitioned'),
      }),
      ({ state_history, circuit_breaker, told }) => {
        const ofIt = told.filter(({ data }) => data['breaker_id'] === id);
        expect(state_history).toHaveLength(ofIt.length);
        expect(state_history.map(({ to_state }) => to_state)).toContain('open');
        expect(circuit_breaker).toMatchObject({
          current_state: state_history.at(-1)?.to_state ?? 'closed',
        });
      },
      WAIT_MS,
    );
  });

  it('is no dead letter, and in no queue', async () => {
    const letters = await suite.get<{ total_count: number }>('/messages/dead-letters');
    expect(letters.total_count).toBe(0);
    const { queues } = await suite.get<{ queues: { dlq_message_count: number }[] }>(
      '/messages/queues?kind=suite',
    );
    expect(queues.filter(({ dlq_message_count }) => dlq_message_count > 0)).toEqual([]);
  });

  it('has alerts that are those of the log', async () => {
    await eventually(
      async () => ({
        fired: await eventsOf(suite, 'type=AlertFired'),
        shown: await suite.get<{ alerts: { alert_id: string }[] }>('/alerts'),
      }),
      ({ fired, shown }) =>
        expect(shown.alerts.map(({ alert_id }) => alert_id).toSorted()).toEqual(
          [...new Set(fired.map(({ data }) => String(data['alert_id'])))].toSorted(),
        ),
    );
  });

  it('is decided the same when it is decided again, and every view is what a rebuild gives', async () => {
    const replayed = await suite.request<{ streams: object[] }>('POST', '/audit/replay', {
      correlation_id: 'broken-0',
    });
    for (const stream of replayed.body.streams)
      expect(stream).not.toHaveProperty('first_difference');
    const verified = await suite.request<{
      hash_chain: { is_intact: boolean };
      read_models: { name: string; is_equal: boolean }[];
    }>('POST', '/audit/verify', { read_model: 'all' }, {}, VERIFY_MS);
    expect(verified.status).toBe(200);
    expect(verified.body.hash_chain.is_intact).toBe(true);
    expect(verified.body.read_models.length).toBeGreaterThan(10);
    expect(verified.body.read_models.filter(({ is_equal }) => !is_equal)).toEqual([]);
  });
});
