import { sagaContract, type AnswerOf } from '@downbeat/contracts';
import type { JsonObject } from '@downbeat/eventsourcing';
import { eventually } from '@downbeat/event-store/testing';
import { Logger } from '@nestjs/common';
import { connect, StringCodec, type NatsConnection } from 'nats';
import { SagaBench, shopCall, type Status } from './testing/saga-bench';

type Incidents = AnswerOf<typeof sagaContract.listIncidents>;
type Incident = AnswerOf<typeof sagaContract.incidentQuery>;

let bench: SagaBench;
let nats: NatsConnection;
const told: JsonObject[] = [];
const alarm = jest.spyOn(Logger.prototype, 'error');
beforeAll(async () => {
  bench = await SagaBench.open('failure');
  nats = await connect({ servers: bench.natsUrl });
  nats.subscribe(`${bench.prefix}.event.saga.>`, {
    callback: (_, { subject, data }) => {
      const [, , , name = ''] = subject.split('.');
      told.push({ name, ...(JSON.parse(StringCodec().decode(data)) as JsonObject) });
    },
  });
  await nats.flush();
});
beforeEach(() => {
  bench.participants.react = () => ({ status: 200, body: { id: 'h-1' } });
});
afterAll(async () => {
  await nats.close();
  await bench.close();
});

/** Reacts to some paths with a status of their own, to the others with success. */
const answerWith = (statuses: Readonly<Record<string, number>>) => {
  bench.participants.react = ({ path }) => ({
    status: statuses[path] ?? 200,
    body: { id: 'h-1' },
  });
};
const incidents = (input: JsonObject) => bench.ask<Incidents>('list-incidents', input);
const needsAttention = ({ workflow }: Status) => workflow.needs_attention;

describe('an undo that keeps failing', () => {
  it('is an incident that is told, listed, and resolved by what a person says', async () => {
    await bench.register('stuck', [shopCall('a'), shopCall('b'), shopCall('c')]);
    answerWith({ '/c': 409, '/undo/b': 404, '/undo/a': 404 });
    const id = await bench.start('stuck', 'stuck-1');
    const { workflow } = await bench.until(id, needsAttention);
    const incident_id = `${id}:b:1`;
    expect(workflow.incident).toMatchObject({ incident_id, kind: 'undo_failed', step_name: 'b' });

    await eventually(async () => {
      const { incidents: open, open_count } = await incidents({ status: 'open', workflow_id: id });
      expect(open).toMatchObject([
        { id: incident_id, correlation_id: 'stuck-1', workflow_name: 'stuck', attempts: 1 },
      ]);
      expect(open_count).toBe(1);
      expect(alarm).toHaveBeenCalledWith(
        expect.objectContaining({ incident_id, workflow_id: id, correlation_id: 'stuck-1' }),
        'an incident waits for a person',
      );
      expect(told).toContainEqual(
        expect.objectContaining({ name: 'IncidentOpened', incident_id, step_name: 'b' }),
      );
    });

    await eventually(async () => {
      const { url } = bench.replicas[0] ?? { url: '' };
      const metrics = await (await fetch(`${url}/metrics`)).text();
      expect(metrics).toMatch(/^downbeat_saga_open_incidents\{.*\} 1$/m);
      expect(await bench.ask('engine-status', {})).toMatchObject({ open_incidents: 1 });
    });

    const refused = await bench.command('ResolveIncident', incident_id, { action: 'skip' });
    expect(refused).toMatchObject({ problem: { errors: [{ field: 'reason' }] } });
    const skipped = await bench.command('ResolveIncident', incident_id, {
      action: 'skip',
      reason: 'the hold ran out by itself',
    });
    expect(skipped).toMatchObject({
      accepted: true,
      answer: { incident_id, workflow_id: id, status: 'compensating' },
    });
    const again = await bench.command('ResolveIncident', incident_id, { action: 'retry' });
    expect(again).toMatchObject({ problem: { code: 'incident-resolved', kind: 'conflict' } });

    await bench.until(id, ({ workflow: { incident } }) => incident?.step_name === 'a');
    await bench.command('ResolveIncident', `${id}:a:2`, {
      action: 'done_by_hand',
      reason: 'cancelled by phone',
    });
    const { workflow: ended, statement } = await bench.ended(id);
    expect(ended).toMatchObject({ current_status: 'compensated', needs_attention: false });
    expect(ended).not.toHaveProperty('incident');
    expect(statement).toMatchObject([
      { step_name: 'a', effect: 'undone', undone_by: 'hand', reason: 'cancelled by phone' },
      { step_name: 'b', effect: 'stands', was_skipped: true, can_be_undone: true },
    ]);
    expect(statement[0]?.actor).toEqual(expect.any(String));

    await eventually(async () => {
      const { incident } = await bench.ask<Incident>('incident', { incident_id });
      expect(incident).toMatchObject({
        status: 'resolved',
        action: 'skip',
        reason: 'the hold ran out by itself',
        resolved_by: statement[1]?.actor,
      });
      expect(told.filter(({ name }) => name === 'IncidentResolved')).toHaveLength(2);
      const { incidents: open } = await incidents({ status: 'open', workflow_name: 'stuck' });
      expect(open).toEqual([]);
    });
  });

  it('is unknown when there is none', async () => {
    const incident_id = '0198c2a4-7d1e-5c3b-9a52-3f1f0a9f3c11:a:1';
    const outcome = await bench.command('ResolveIncident', incident_id, { action: 'retry' });
    expect(outcome).toMatchObject({ problem: { kind: 'not-found' } });
    await expect(bench.ask('incident', { incident_id })).rejects.toThrow('incident-unknown');
  });
});

describe('going back', () => {
  it('to the newest savepoint when a step fails, and to a named one on demand', async () => {
    await bench.register(
      'saved',
      [
        shopCall('a', { savepoint: 'quoted' }),
        shopCall('b'),
        shopCall('c', { savepoint: true }),
        shopCall('d'),
        shopCall('e', { undo_failed_step: true }),
      ],
      { compensation_strategy: 'partial' },
    );
    answerWith({ '/e': 409 });
    const id = await bench.start('saved', 'saved-1');
    const { statement } = await bench.ended(id);
    expect(bench.participants.of(id)).toEqual(['a', 'b', 'c', 'd', 'e', 'e:undo', 'd:undo']);
    expect(statement.map(({ step_name, effect }) => `${step_name} ${effect}`)).toEqual([
      'a stands',
      'b stands',
      'c stands',
      'd undone',
      'e undone',
    ]);
    const outcome = await bench.command('CompensateWorkflow', id, {
      reason: 'the customer cancelled',
      to_savepoint: 'quoted',
    });
    expect(outcome).toMatchObject({ accepted: true });
    const back = await bench.ended(id);
    expect(bench.participants.of(id).slice(7)).toEqual(['c:undo', 'b:undo']);
    expect(back.execution_timeline).toContainEqual(
      expect.objectContaining({
        event: 'CompensationStarted',
        details: expect.objectContaining({ to_savepoint: 'quoted' }) as object,
      }),
    );
  });

  it('undoes the steps that a definition names', async () => {
    await bench.register('named', [shopCall('a'), shopCall('b'), shopCall('c')], {
      compensation_strategy: 'custom',
      compensation_steps: ['a'],
    });
    answerWith({ '/c': 409 });
    const id = await bench.start('named', 'named-1');
    await bench.ended(id);
    expect(bench.participants.of(id)).toEqual(['a', 'b', 'c', 'a:undo']);
  });
});

describe('a step that fails', () => {
  it('is retried by the rule that names its failure, and caught when that is spent', async () => {
    await bench.register('careful', [
      shopCall('a', {
        retry_policy: {
          max_retries: 0,
          rules: [{ match: [409], max_retries: 2, initial_delay_ms: 10 }],
        },
        on_error: [{ match: ['4xx'], goto: 'other' }],
      }),
      shopCall('usual'),
      shopCall('other', { input_mapping: { because: 'errors.a.status' } }),
    ]);
    answerWith({ '/a': 409 });
    const id = await bench.start('careful', 'careful-1');
    const { workflow } = await bench.ended(id);
    expect(workflow).toMatchObject({
      current_status: 'completed',
      context_data: { errors: { a: { outcome: 'failed', class: '4xx', status: 409 } } },
    });
    expect(bench.participants.of(id)).toEqual(['a', 'a', 'a', 'other']);
    const other = bench.participants.seen.find(({ run, key }) => run === id && key === 'other');
    expect(other?.body).toEqual({ because: 409 });
  });
});

describe('a pause', () => {
  it('stops a run where it is, is listed, and ends where it is resumed', async () => {
    await bench.register('paused', [
      shopCall('a'),
      { name: 'rest', type: 'delay', delay_seconds: 10 },
      shopCall('b'),
    ]);
    const id = await bench.start('paused', 'paused-1');
    await bench.until(id, ({ steps }) =>
      steps.some(({ step_name, status }) => step_name === 'rest' && status === 'running'),
    );
    const outcome = await bench.command('PauseWorkflow', id, { reason: 'stock is counted' });
    expect(outcome).toMatchObject({ accepted: true, answer: { status: 'running', paused: true } });
    await eventually(async () => {
      const { workflows } = await bench.list({ paused: true });
      expect(workflows.map((run) => run.id)).toEqual([id]);
    });
    const { workflow } = await bench.status(id);
    expect(workflow).toMatchObject({ paused: true, pause: { reason: 'stock is counted' } });
    const retry = await bench.command('RetryWorkflow', id, { retry_strategy: 'current_step' });
    expect(retry).toMatchObject({ problem: { code: 'workflow-paused' } });

    expect(await bench.command('ResumeWorkflow', id, {})).toMatchObject({
      accepted: true,
      answer: { paused: false },
    });
    const ended = await bench.ended(id);
    expect(ended.workflow).toMatchObject({ current_status: 'completed', paused: false });
    expect(bench.participants.of(id)).toEqual(['a', 'b']);
    const late = await bench.command('PauseWorkflow', id, {});
    expect(late).toMatchObject({ problem: { code: 'workflow-ended', kind: 'conflict' } });
  });
});

describe('a failed run', () => {
  it('goes on with an edited context, which the timeline shows with who did it', async () => {
    await bench.register(
      'edited',
      [shopCall('a'), shopCall('b', { input_mapping: { card: 'card' } })],
      { compensation_strategy: 'none' },
    );
    answerWith({ '/b': 402 });
    const id = await bench.start('edited', 'edited-1', { context_data: { card: 'old' } });
    await bench.ended(id);
    answerWith({});
    const outcome = await bench.command('RetryWorkflow', id, {
      retry_strategy: 'current_step',
      context_patch: { card: 'new' },
    });
    expect(outcome).toMatchObject({ accepted: true });
    const status = await bench.until(id, ({ workflow }) => workflow.current_status === 'completed');
    expect(status.workflow.context_data).toEqual({ card: 'new' });
    const calls = bench.participants.seen.filter(
      ({ run, key }) => run === id && key.startsWith('b'),
    );
    expect(calls.map(({ key, body }) => [key, body])).toEqual([
      ['b', { card: 'old' }],
      ['b:2', { card: 'new' }],
    ]);
    const edit = status.execution_timeline.find(({ event }) => event === 'RunRetried');
    expect(edit).toMatchObject({ details: { context_patch: { card: 'new' } } });
    expect(edit?.actor).not.toBe('saga-engine');
  });
});
