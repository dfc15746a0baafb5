import { z } from 'zod';
import { command, event, query } from '../contract';
import * as f from '../fields';

const context = 'saga' as const;

/** `<run>:<step>:<n>`; inside a map `<run>:<step>#<index>:<n>`. */
export const incidentId = z
  .string()
  .max(200)
  .regex(
    /^[0-9a-f-]{36}:[a-z0-9-]+(#\d+(\.\d+)*)?:\d+$/,
    'must be the id of an incident: <run>:<step>:<number>',
  );

/** `undo_failed`: its retries are spent. `undo_input`: its input cannot be formed. */
export const incidentKind = z.enum(['undo_failed', 'undo_input']);

/** `retry` the undo; `skip`: the effect stands; `done_by_hand`: somebody has undone it. */
export const incidentAction = z.enum(['retry', 'skip', 'done_by_hand']);

/** `overtaken`: nobody resolved it; the run is ending, and its own compensation decides. */
export const incidentEnd = z.enum([...incidentAction.options, 'overtaken']);

const EXAMPLE_RUN = '0198c2a4-7d1e-5c3b-9a52-3f1f0a9f3c11';
const EXAMPLE_ID = `${EXAMPLE_RUN}:reserve-stock:1`;

export const resolveIncident = command({
  context,
  name: 'ResolveIncident',
  summary: 'Say what becomes of an undo that keeps failing; the run goes on from there',
  idField: 'incident_id',
  data: z.strictObject({
    incident_id: incidentId,
    action: incidentAction,
    /** Needed with `skip` and `done_by_hand`; the statement of the run shows it. */
    reason: f.line(500).optional(),
  }),
  answer: z.object({ incident_id: incidentId, workflow_id: z.uuid(), status: z.string() }),
  example: {
    incident_id: EXAMPLE_ID,
    action: 'done_by_hand',
    reason: 'the warehouse released the goods by phone',
  },
  http: { method: 'POST', path: '/workflows/incidents/{incident_id}/resolve' },
});

const incident = z.object({
  id: incidentId,
  workflow_id: z.uuid(),
  workflow_name: z.string(),
  correlation_id: z.string(),
  step_name: z.string(),
  kind: incidentKind,
  /** Why the last call failed, or why there was none. */
  message: z.string(),
  /** Calls of the undo so far. */
  attempts: z.number().int(),
  status: z.enum(['open', 'resolved']),
  opened_at: f.instant,
  resolved_at: f.instant.optional(),
  action: incidentEnd.optional(),
  reason: z.string().optional(),
  /** Who resolved it. */
  resolved_by: z.string().optional(),
});

export const listIncidents = query({
  context,
  name: 'list-incidents',
  summary: 'What waits, or waited, for a person; newest first',
  input: z.strictObject({
    status: z.enum(['open', 'resolved']).optional(),
    kind: incidentKind.optional(),
    workflow_id: z.uuid().optional(),
    workflow_name: f.name.optional(),
    /** Inside a map with the item's index: `hold#3`. */
    step_name: f.line(200).optional(),
    correlation_id: f.externalId.optional(),
    limit: f.pageLimit,
    cursor: f.cursor,
  }),
  answer: z.object({
    incidents: z.array(incident),
    /** Of all workflows, whatever the filter. */
    open_count: z.number().int(),
    next_cursor: f.nextCursor,
  }),
  http: { method: 'GET', path: '/workflows/incidents' },
});

export const incidentQuery = query({
  context,
  name: 'incident',
  summary: 'One incident',
  input: z.strictObject({ incident_id: incidentId }),
  answer: z.object({ incident }),
  http: { method: 'GET', path: '/workflows/incidents/{incident_id}' },
});

const told = {
  incident_id: incidentId,
  workflow_id: z.uuid(),
  correlation_id: f.externalId,
  step_name: z.string(),
};
const toldExample = {
  incident_id: EXAMPLE_ID,
  workflow_id: EXAMPLE_RUN,
  correlation_id: 'order-4711',
  step_name: 'reserve-stock',
};

export const incidentOpened = event({
  context,
  name: 'IncidentOpened',
  version: 1,
  summary: 'A run waits for a person; it goes on when the incident is resolved',
  idField: 'correlation_id',
  data: z.object({ ...told, kind: incidentKind, reason: z.string(), attempts: z.number().int() }),
  example: {
    ...toldExample,
    kind: 'undo_failed',
    reason: 'HTTP 503: closed',
    attempts: 4,
  },
});

export const incidentResolved = event({
  context,
  name: 'IncidentResolved',
  version: 1,
  summary: 'An incident is over: a person has said what becomes of it, or the run is ending',
  idField: 'correlation_id',
  data: z.object({
    ...told,
    action: incidentEnd,
    reason: z.string().optional(),
    resolved_by: z.string(),
  }),
  example: { ...toldExample, action: 'retry', resolved_by: 'ops' },
});
