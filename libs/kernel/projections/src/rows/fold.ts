import type { RecordedEvent, StreamName } from '@downbeat/eventsourcing';
import type { Change, Row } from '../projection';
import { fitRow, type TableShape } from '../tables/table-shape';

/** An event that was recorded instead of applied: it, or an earlier one of its stream, cannot be folded. */
export interface ParkedEvent {
  readonly event: RecordedEvent;
  readonly error: string;
}

/** Rows of each table by key, in the order of the tables. `undefined`: there is no such row. */
export type RowsByTable = readonly Map<string, Row | undefined>[];

interface Step {
  readonly table: number;
  readonly change: Change<Row, never>;
  readonly key: string;
}

/** What an event is going to touch, worked out before any row is read. */
type Plan =
  | { readonly kind: 'ignored' }
  | { readonly kind: 'poison'; readonly error: string }
  | { readonly kind: 'steps'; readonly steps: readonly Step[] };

export interface PlannedEvent {
  readonly event: RecordedEvent;
  readonly plan: Plan;
}

export interface Folded {
  readonly changed: RowsByTable;
  readonly applied: number;
  readonly ignored: number;
  readonly parked: readonly ParkedEvent[];
}

const ERROR_LENGTH_MAX = 1_000;

/** True when some table has a change for this type of event. */
export const concerns = (shapes: readonly TableShape[], event: RecordedEvent): boolean =>
  shapes.some(({ on }) => Object.hasOwn(on, event.type) && on[event.type] !== 'ignore');

export const planEvents = (
  shapes: readonly TableShape[],
  events: readonly RecordedEvent[],
): readonly PlannedEvent[] => events.map((event) => ({ event, plan: planOf(shapes, event) }));

function planOf(shapes: readonly TableShape[], event: RecordedEvent): Plan {
  if (!concerns(shapes, event)) return { kind: 'ignored' };
  try {
    return { kind: 'steps', steps: stepsOf(shapes, event) };
  } catch (fault) {
    return { kind: 'poison', error: reasonOf(fault) };
  }
}

function stepsOf(shapes: readonly TableShape[], event: RecordedEvent): Step[] {
  const steps: Step[] = [];
  shapes.forEach(({ on, name }, table) => {
    const change = Object.hasOwn(on, event.type) ? on[event.type] : undefined;
    if (change === undefined || change === 'ignore') return;
    const keys = change.keys(event as never);
    for (const key of keys.length > 1 ? new Set(keys) : keys) {
      if (typeof key !== 'string') throw new TypeError(`${name}: a key must be text`);
      steps.push({ table, change, key });
    }
  });
  return steps;
}

/** The keys of each table that the events touch. */
export function keysOf(tables: number, planned: readonly PlannedEvent[]): readonly Set<string>[] {
  const keys = Array.from({ length: tables }, () => new Set<string>());
  for (const { plan } of planned)
    if (plan.kind === 'steps') for (const { table, key } of plan.steps) keys[table]?.add(key);
  return keys;
}

/**
 * Folds events into rows, in memory. Each event changes all of its rows or none: one that throws
 * parks its stream, later events of that stream are parked unrun, those of other streams go on.
 *
 * @param before Every row the plans name.
 * @param parkedStreams Streams that were parked before.
 */
export function foldEvents(
  shapes: readonly TableShape[],
  planned: readonly PlannedEvent[],
  before: RowsByTable,
  parkedStreams: ReadonlySet<StreamName>,
): Folded {
  const changed = shapes.map(() => new Map<string, Row | undefined>());
  const parked: ParkedEvent[] = [];
  const streams = new Set(parkedStreams);
  let ignored = 0;
  for (const { event, plan } of planned) {
    if (plan.kind === 'ignored') {
      ignored++;
      continue;
    }
    const error = streams.has(event.stream)
      ? 'an earlier event of this stream is parked'
      : plan.kind === 'poison'
        ? plan.error
        : applySteps(shapes, event, plan.steps, before, changed);
    if (error === undefined) continue;
    streams.add(event.stream);
    parked.push({ event, error });
  }
  return { changed, ignored, parked, applied: planned.length - ignored - parked.length };
}

/** @returns Why the event cannot be folded; nothing was changed then. */
function applySteps(
  shapes: readonly TableShape[],
  event: RecordedEvent,
  steps: readonly Step[],
  before: RowsByTable,
  changed: RowsByTable,
): string | undefined {
  try {
    const after = steps.map(({ table, change, key }) => {
      const rows = changed[table]?.has(key) ? changed[table] : before[table];
      const row = rows?.get(key);
      const next = change.fold(row, event as never, key);
      const shape = shapes[table];
      return next === row || next === undefined || shape === undefined
        ? next
        : fitRow(shape, next, key);
    });
    steps.forEach(({ table, key }, at) => changed[table]?.set(key, after[at]));
    return undefined;
  } catch (fault) {
    return reasonOf(fault);
  }
}

export const reasonOf = (fault: unknown): string =>
  (fault instanceof Error ? `${fault.name}: ${fault.message}` : String(fault))
    .replaceAll('\0', '')
    .slice(0, ERROR_LENGTH_MAX);
