import type { RunEvent, RunState } from '@downbeat/saga-domain';
import { HostMetrics } from '@downbeat/service-host';
import { Registry } from 'prom-client';
import { showBreakers } from './breaker-metrics';
import { CallMetrics } from './call-metrics';
import { RunMetrics } from './run-metrics';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const traceparent = `00-${TRACE}-00f067aa0ba902b7-01`;
const at = (second: number) => `2026-03-01T09:30:0${second}.000Z`;
const event = (type: RunEvent['type'], data: object): RunEvent => ({ type, data }) as RunEvent;
const state = { status: 'completed', started: { at: at(0) } } as unknown as RunState;

describe('what is measured of runs', () => {
  let host: HostMetrics;
  let metrics: RunMetrics;
  beforeEach(() => {
    host = new HostMetrics(new Registry());
    metrics = new RunMetrics(host);
  });
  const record = (...events: RunEvent[]) => metrics.recorded('run', events, state, traceparent);
  const seen = async (line: string) => expect(await host.registry.metrics()).toContain(line);

  it.each([
    [event('WorkflowStarted', { at: at(0) }), 'runs_started_total 1'],
    [event('WorkflowCompleted', { at: at(1) }), 'runs_ended_total{outcome="completed"} 1'],
    [event('WorkflowFailed', { at: at(1) }), 'runs_ended_total{outcome="failed"} 1'],
    [event('WorkflowCompensated', { at: at(1) }), 'runs_ended_total{outcome="compensated"} 1'],
    [event('StepRetried', { step: 'a' }), 'call_retries_total{purpose="step"} 1'],
    [event('UndoRetried', { step: 'a' }), 'call_retries_total{purpose="undo"} 1'],
    [event('CallHeld', { because: 'breaker-open' }), 'calls_held_total{because="breaker-open"} 1'],
    [event('CompensationStarted', {}), 'compensations_total 1'],
    [event('IncidentOpened', { kind: 'undo_failed' }), 'incidents_total{kind="undo_failed"} 1'],
    [
      event('StepFailed', { step: 'a', outcome: 'unknown', at: at(1) }),
      'steps_failed_total{outcome="unknown"} 1',
    ],
  ])('counts %j', async (one, line) => {
    record(one);
    await seen(`downbeat_saga_${line}`);
  });

  it('begins at 0 with every outcome: Prometheus sees no rise of what was not there', async () => {
    await seen('downbeat_saga_runs_ended_total{outcome="failed"} 0');
    await seen('downbeat_saga_incidents_total{kind="undo_failed"} 0');
    await seen('downbeat_saga_call_retries_total{purpose="undo"} 0');
  });

  it('times a run from its first event to its end, whoever began it', async () => {
    record(event('WorkflowCompleted', { at: at(4) }));
    await seen('downbeat_saga_run_duration_seconds_sum{outcome="completed"} 4');
    await seen('downbeat_saga_run_duration_seconds_bucket{le="2.5",outcome="completed"} 0');
    await seen('downbeat_saga_run_duration_seconds_bucket{le="5",outcome="completed"} 1');
  });

  it('times the steps it began itself, and each of them once', async () => {
    record(event('StepStarted', { step: 'a', at: at(1) }));
    record(event('StepStarted', { step: 'b', at: at(1) }));
    record(event('StepCompleted', { step: 'a', at: at(3) }));
    record(event('StepCompleted', { step: 'a', at: at(4) }));
    record(event('StepFailed', { step: 'b', outcome: 'failed', at: at(2) }));
    record(event('StepCompleted', { step: 'of another process', at: at(4) }));
    await seen('downbeat_saga_step_duration_seconds_sum{outcome="completed"} 2');
    await seen('downbeat_saga_step_duration_seconds_count{outcome="completed"} 1');
    await seen('downbeat_saga_step_duration_seconds_sum{outcome="failed"} 1');
  });

  it('shows breakers by state, the states that none is in too', async () => {
    showBreakers({ states: () => ['open', 'closed', 'open'] }, host.registry);
    await seen('downbeat_saga_breakers{state="open"} 2');
    await seen('downbeat_saga_breakers{state="half-open"} 0');
  });

  it('counts calls by what came of them, and by no name of a user', async () => {
    const calls = new CallMetrics(host);
    const call = { purpose: 'step', endpoint: '/holds', service_name: 'venue' } as never;
    const undo = { purpose: 'undo', endpoint: 'nats:service.venue.release' } as never;
    calls.made(call, { kind: 'ok', output: null }, performance.now(), traceparent);
    calls.made(call, { kind: 'answer', status: 503 } as never, performance.now(), traceparent);
    calls.made(undo, { kind: 'timeout' } as never, performance.now(), undefined);
    calls.made(call, undefined, performance.now(), undefined);
    const text = await host.registry.metrics();
    expect(text.match(/^downbeat_saga_calls_total\{.*$/gm)).toEqual([
      'downbeat_saga_calls_total{purpose="step",transport="http",result="ok"} 1',
      'downbeat_saga_calls_total{purpose="step",transport="http",result="5xx"} 1',
      'downbeat_saga_calls_total{purpose="undo",transport="nats",result="timeout"} 1',
    ]);
    expect(text).not.toContain('venue');
  });
});
