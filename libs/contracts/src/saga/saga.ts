import type { JsonObject } from '@downbeat/eventsourcing';
import { z } from 'zod';
import { command, event, query } from '../contract';
import * as f from '../fields';
import { bulkCommands, bulkQueries } from './bulk';
import { pauseDefinition, pausedRuns, resumeDefinition } from './definition-control';
import {
  incidentId,
  incidentKind,
  incidentOpened,
  incidentQuery,
  incidentResolved,
  listIncidents,
  resolveIncident,
} from './incidents';
import { migrateWorkflow, previewMigration } from './migration';
import { pauseWorkflow, resumeWorkflow } from './pause';
import { retentionCommands, retentionQueries } from './retention';
import { scheduleCommands, scheduleQueries } from './schedules';
import { statementEffect } from './statement';
import { priority, workflowDefinition } from './workflow-definition';

export * from './bulk';
export * from './definition-control';
export * from './incidents';
export * from './migration';
export * from './pause';
export * from './retention';
export * from './schedules';
export * from './statement';

const context = 'saga' as const;

export const workflowStatus = z.enum([
  'pending',
  'running',
  'completed',
  'failed',
  'compensating',
  'compensated',
]);
export type WorkflowStatus = z.output<typeof workflowStatus>;

export const stepStatus = z.enum([
  'pending',
  'running',
  'completed',
  'failed',
  'skipped',
  'compensating',
  'compensated',
]);
export type StepStatus = z.output<typeof stepStatus>;

const workflowId = z.uuid();

/** Core NATS subject on which the end of a run is told to whoever waits for it: `{ position }`. May be lost. */
export const runEndedSubject = (correlationId: string): string =>
  `hint.saga.ended.${correlationId}`;

export const registerDefinition = command({
  context,
  name: 'RegisterWorkflowDefinition',
  summary: 'Register a version of a workflow; the same version can be said again, but not changed',
  idField: 'name',
  data: workflowDefinition as unknown as z.ZodType<
    JsonObject & z.output<typeof workflowDefinition>
  >,
  answer: z.object({ name: f.name, version: f.version, checksum: z.string() }),
  example: {
    name: 'order-goods',
    version: '1.0.0',
    timeout_minutes: 5,
    compensation_strategy: 'all',
    steps: [
      {
        name: 'reserve-stock',
        type: 'service_call',
        service_name: 'stock',
        endpoint: '/reservations',
        input_mapping: { sku: 'order.sku', quantity: '=order.quantity + order.spare' },
        output_mapping: { reservation_id: 'id' },
        compensation_action: {
          service_name: 'stock',
          endpoint: '/reservations/cancel',
          input_mapping: { id: 'reservation_id' },
        },
      },
      {
        name: 'is-large',
        type: 'decision',
        cases: [{ when: 'order.quantity > 100', goto: 'cool-down' }],
        default: 'end',
      },
      { name: 'cool-down', type: 'delay', delay_seconds: 1 },
    ],
  } as never,
  http: { method: 'POST', path: '/workflow-definitions' },
});

/** Code of the problem that says: not now, and nothing was stored. Kind `unavailable`. */
export const OVERLOADED = 'overloaded';

export const startWorkflow = command({
  context,
  name: 'StartWorkflow',
  summary: 'Start a run of a workflow; its correlation id identifies it',
  idField: 'correlation_id',
  data: z.strictObject({
    workflow_name: f.name,
    workflow_version: f.version.optional(),
    correlation_id: f.externalId,
    wedding_id: f.externalId.optional(),
    initiating_service: f.line(128),
    context_data: f.payloadObject,
    timeout_minutes: z.number().min(0.001).max(525_600).optional(),
    /** Default: the definition's. */
    priority: priority.optional(),
  }),
  answer: z.object({
    workflow_id: workflowId,
    correlation_id: f.externalId,
    status: workflowStatus,
    estimated_duration_minutes: z.number(),
  }),
  example: {
    workflow_name: 'order-goods',
    correlation_id: 'order-4711',
    initiating_service: 'shop',
    context_data: { order: { sku: 'A-1', quantity: 2, spare: 0 } },
  },
  http: { method: 'POST', path: '/workflows' },
});

export const compensateWorkflow = command({
  context,
  name: 'CompensateWorkflow',
  summary:
    'Undo what a run has done: of a running one after its calls under way, of an ended one at once',
  idField: 'workflow_id',
  data: z.strictObject({
    workflow_id: workflowId,
    reason: f.line(500),
    compensation_strategy: z.enum(['all', 'partial', 'custom']).optional(),
    /** Names of the steps to undo; with strategy `custom` only, where they go before the definition's. */
    custom_steps: z.array(f.name).max(200).optional(),
    /** A savepoint the run has passed: what came after it is undone; with strategy `partial` only. */
    to_savepoint: f.name.optional(),
  }),
  answer: z.object({ workflow_id: workflowId, status: workflowStatus }),
  example: {
    workflow_id: '0198c2a4-7d1e-5c3b-9a52-3f1f0a9f3c11',
    reason: 'the customer cancelled',
  },
  http: { method: 'POST', path: '/workflows/{workflow_id}/compensate' },
});

export const retryWorkflow = command({
  context,
  name: 'RetryWorkflow',
  summary: 'Let a failed run go on, or a parked undo be tried again',
  idField: 'workflow_id',
  data: z.strictObject({
    workflow_id: workflowId,
    retry_strategy: z.enum(['current_step', 'failed_steps', 'from_step']),
    /** The step's place from 1; with strategy `from_step` only. */
    from_step: z.number().int().min(1).optional(),
    max_retries: z.number().int().min(0).max(100).optional(),
    /** Keys of the context to set before a failed run goes on. */
    context_patch: f.payloadObject.optional(),
  }),
  answer: z.object({ workflow_id: workflowId, status: workflowStatus }),
  example: {
    workflow_id: '0198c2a4-7d1e-5c3b-9a52-3f1f0a9f3c11',
    retry_strategy: 'failed_steps',
  },
  http: { method: 'POST', path: '/workflows/{workflow_id}/retry' },
});

const limit = {
  /** Calls under way at once, over all replicas. */
  concurrency_max: z.number().int().min(1).max(100_000).optional(),
  /** Calls begun in a second, over all replicas; a second's worth may go at once after a rest. */
  rate_per_second: z.number().min(0.001).max(100_000).optional(),
  /** The same for the runs of each `limit_key`. */
  key_concurrency_max: z.number().int().min(1).max(100_000).optional(),
  key_rate_per_second: z.number().min(0.001).max(100_000).optional(),
};

export const limitTarget = command({
  context,
  name: 'LimitTarget',
  summary: 'Say how many calls a service gets at most; what is left out is not limited',
  idField: 'service_name',
  data: z.strictObject({ service_name: f.name, ...limit }),
  answer: z.object({ service_name: f.name }),
  example: { service_name: 'stock', concurrency_max: 20, key_concurrency_max: 2 },
  http: { method: 'PUT', path: '/targets/{service_name}/limits' },
});

export const pauseTarget = command({
  context,
  name: 'PauseTarget',
  summary: 'Hold all further calls to a service until it is resumed; calls under way go on',
  idField: 'service_name',
  data: z.strictObject({ service_name: f.name, reason: f.line(500) }),
  answer: z.object({ service_name: f.name }),
  example: { service_name: 'stock', reason: 'its database is being moved' },
  http: { method: 'POST', path: '/targets/{service_name}/pause' },
});

export const resumeTarget = command({
  context,
  name: 'ResumeTarget',
  summary: 'Let the calls go that a paused service was spared',
  idField: 'service_name',
  data: z.strictObject({ service_name: f.name }),
  answer: z.object({ service_name: f.name }),
  example: { service_name: 'stock' },
  http: { method: 'POST', path: '/targets/{service_name}/resume' },
});

const target = z.object({
  service_name: f.name,
  is_paused: z.boolean(),
  paused_because: z.string().optional(),
  limits: z.object(limit),
  /** The worst of all replicas. */
  breaker: z.enum(['closed', 'half-open', 'open']),
  /** Calls of all replicas. */
  under_way: z.number().int(),
  waiting: z.number().int(),
  oldest_wait_ms: z.number().int(),
  /** The oldest of each replica, at most 100. */
  waits: z.array(
    z.object({
      /** `<run>:<step>`. */
      call: z.string(),
      priority,
      key: z.string().optional(),
      because: z.string(),
      waiting_ms: z.number().int(),
    }),
  ),
});

export const listTargets = query({
  context,
  name: 'list-targets',
  summary: 'Services that are called, limited or paused: what waits in front of each, and why',
  input: z.strictObject({ service_name: f.name.optional() }),
  answer: z.object({
    targets: z.array(target),
    /** How many replicas were heard; what waits in one that is gone is taken over by another. */
    replicas: z.number().int(),
    /** What was said up to this position is followed by each of them; two seconds behind at most. */
    followed_position: z.number().int(),
  }),
  http: { method: 'GET', path: '/targets' },
});

export const signalWorkflow = command({
  context,
  name: 'SignalWorkflow',
  summary: 'Tell a run what it waits for, or will wait for: an approval, a payment, an arrival',
  idField: 'workflow_id',
  data: z.strictObject({
    workflow_id: workflowId,
    signal: f.name,
    payload: f.payload.default({}),
  }),
  answer: z.object({ workflow_id: workflowId, status: workflowStatus }),
  example: {
    workflow_id: '0198c2a4-7d1e-5c3b-9a52-3f1f0a9f3c11',
    signal: 'approval',
    payload: { approved: true, by: 'finance' },
  },
  http: { method: 'POST', path: '/workflows/{workflow_id}/signals/{signal}' },
});

const workflowSummary = z.object({
  id: workflowId,
  workflow_name: f.name,
  workflow_version: f.version,
  correlation_id: f.externalId,
  wedding_id: z.string().optional(),
  initiating_service: z.string(),
  current_status: workflowStatus,
  current_step: z.number().int(),
  total_steps: z.number().int(),
  progress_percentage: z.number(),
  /** Someone has to act: an incident is open. */
  needs_attention: z.boolean(),
  /** Nothing of it begins until it is resumed. */
  paused: z.boolean(),
  started_at: f.instant,
  completed_at: f.instant.optional(),
  duration_ms: z.number().optional(),
  /** It has left what is at work. */
  archived_at: f.instant.optional(),
});

export const listWorkflows = query({
  context,
  name: 'list-workflows',
  summary: 'Runs, newest first',
  input: z.strictObject({
    status: workflowStatus.optional(),
    workflow_name: f.name.optional(),
    correlation_id: f.externalId.optional(),
    wedding_id: f.externalId.optional(),
    needs_attention: z.stringbool().or(z.boolean()).optional(),
    paused: z.stringbool().or(z.boolean()).optional(),
    /** True: those in the archive, and `status_summary` counts these; default: those at work. */
    archived: z.stringbool().or(z.boolean()).optional(),
    limit: f.pageLimit,
    cursor: f.cursor,
  }),
  answer: z.object({
    workflows: z.array(workflowSummary),
    status_summary: z.object({
      pending: z.number().int(),
      running: z.number().int(),
      completed: z.number().int(),
      failed: z.number().int(),
      compensating: z.number().int(),
      compensated: z.number().int(),
    }),
    next_cursor: f.nextCursor,
  }),
  http: { method: 'GET', path: '/workflows' },
});

export const workflowStatusQuery = query({
  context,
  name: 'workflow-status',
  summary: 'One run with its steps and its timeline',
  input: z.strictObject({ workflow_id: workflowId }),
  answer: z.object({
    workflow: z.object({
      ...workflowSummary.shape,
      context_data: f.jsonObject,
      timeout_at: f.instant,
      compensation_strategy: z.string(),
      error_details: z
        .object({
          step_name: z.string(),
          error_message: z.string(),
          retry_count: z.number().int(),
        })
        .optional(),
      pause: z.object({ since: f.instant, reason: z.string().optional() }).optional(),
      /** What the run waits for a person with. */
      incident: z
        .object({
          incident_id: incidentId,
          kind: incidentKind,
          step_name: z.string(),
          message: z.string(),
          attempts: z.number().int(),
          since: f.instant,
        })
        .optional(),
    }),
    steps: z.array(
      z.object({
        id: z.string(),
        /** Inside a map with the item's index: `hold#3`. */
        step_name: z.string(),
        step_type: z.string(),
        step_order: z.number().int(),
        service_name: z.string(),
        status: stepStatus,
        input_data: f.jsonObject,
        output_data: f.json.optional(),
        started_at: f.instant.optional(),
        completed_at: f.instant.optional(),
        duration_ms: z.number().optional(),
        retry_count: z.number().int(),
        error_message: z.string().optional(),
        /** Its call waits in the engine, unsent; see the view of its target. */
        held_because: z.string().optional(),
      }),
    ),
    /** Which effects stand, which are undone, which are unknown; oldest first. */
    statement: z.array(statementEffect),
    execution_timeline: z.array(
      z.object({
        timestamp: f.instant,
        event: z.string(),
        step_name: z.string(),
        /** Who caused it: an operator, or the engine. */
        actor: z.string(),
        details: f.jsonObject,
      }),
    ),
  }),
  http: { method: 'GET', path: '/workflows/{workflow_id}/status' },
});

export const listDefinitions = query({
  context,
  name: 'list-workflow-definitions',
  summary: 'Registered workflows with their versions',
  input: z.strictObject({ name: f.name.optional(), limit: f.pageLimit, cursor: f.cursor }),
  answer: z.object({
    definitions: z.array(
      z.object({
        name: f.name,
        version: f.version,
        checksum: z.string(),
        is_latest: z.boolean(),
        registered_at: f.instant,
        /** No run of it begins, of whichever version. */
        is_paused: z.boolean(),
        paused_because: z.string().optional(),
        /** While it is paused: what becomes of runs under way. */
        paused_runs: pausedRuns.optional(),
        definition: f.jsonObject,
      }),
    ),
    /** What was said up to this position is followed by each replica; two seconds behind at most. */
    followed_position: z.number().int(),
    next_cursor: f.nextCursor,
  }),
  http: { method: 'GET', path: '/workflow-definitions' },
});

const run = { workflow_id: workflowId, correlation_id: f.externalId };
const runExample = {
  workflow_id: '0198c2a4-7d1e-5c3b-9a52-3f1f0a9f3c11',
  correlation_id: 'order-4711',
};

export const workflowStarted = event({
  context,
  name: 'WorkflowStarted',
  version: 1,
  summary: 'A run began',
  idField: 'correlation_id',
  data: z.object({ ...run, workflow_name: f.name, workflow_version: f.version }),
  example: { ...runExample, workflow_name: 'order-goods', workflow_version: '1.0.0' },
});

export const workflowCompleted = event({
  context,
  name: 'WorkflowCompleted',
  version: 1,
  summary: 'A run ended with all its effects standing',
  idField: 'correlation_id',
  data: z.object(run),
  example: runExample,
});

export const workflowFailed = event({
  context,
  name: 'WorkflowFailed',
  version: 1,
  summary: 'A run ended without success, and nothing of it was undone',
  idField: 'correlation_id',
  data: z.object({ ...run, reason: z.string() }),
  example: { ...runExample, reason: 'reserve-stock failed: HTTP 409' },
});

export const workflowCompensated = event({
  context,
  name: 'WorkflowCompensated',
  version: 1,
  summary: 'A run ended with the effects its strategy names undone',
  idField: 'correlation_id',
  data: z.object({ ...run, reason: z.string() }),
  example: { ...runExample, reason: 'reserve-stock failed: HTTP 409' },
});

export const workflowEventPublished = event({
  context,
  name: 'WorkflowEventPublished',
  version: 1,
  summary: 'A step of type publish: what `event` and `payload` mean, its workflow says',
  idField: 'correlation_id',
  data: z.object({
    ...run,
    workflow_name: f.name,
    /** Inside a map with the item's index: `tell#3`. */
    step_name: z.string(),
    event: f.name,
    payload: f.jsonObject,
  }),
  example: {
    ...runExample,
    workflow_name: 'order-goods',
    step_name: 'tell-the-shop',
    event: 'order-ready',
    payload: { order_id: '4711' },
  },
});

export const saga = {
  commands: [
    registerDefinition,
    pauseDefinition,
    resumeDefinition,
    startWorkflow,
    compensateWorkflow,
    retryWorkflow,
    signalWorkflow,
    resolveIncident,
    pauseWorkflow,
    resumeWorkflow,
    migrateWorkflow,
    limitTarget,
    pauseTarget,
    resumeTarget,
    ...scheduleCommands,
    ...bulkCommands,
    ...retentionCommands,
  ],
  queries: [
    listWorkflows,
    workflowStatusQuery,
    previewMigration,
    listDefinitions,
    listIncidents,
    incidentQuery,
    listTargets,
    ...scheduleQueries,
    ...bulkQueries,
    ...retentionQueries,
  ],
  events: [
    workflowStarted,
    workflowCompleted,
    workflowFailed,
    workflowCompensated,
    workflowEventPublished,
    incidentOpened,
    incidentResolved,
  ],
} as const;
