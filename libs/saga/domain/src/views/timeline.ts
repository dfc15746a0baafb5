import type { Instant, JsonObject } from '@downbeat/eventsourcing';
import type { RunEvent } from '../run/events';

/** One line of `execution_timeline`. */
export interface TimelineEntry {
  readonly timestamp: Instant;
  /** The event's type, as it stands in the log. */
  readonly event: string;
  /** Empty for what concerns the run as a whole. */
  readonly step_name: string;
  readonly details: JsonObject;
}

/** Everything an event says, without the answers and contexts that the steps show anyway. */
export function timelineEntry(event: RunEvent): TimelineEntry {
  const { at, ...data } = event.data;
  const details: Record<string, JsonObject[string]> = {};
  let step_name = '';
  for (const [key, value] of Object.entries(data) as [string, JsonObject[string]][]) {
    if (key === 'step') step_name = String(value);
    else if (!BULKY.has(key)) details[key] = value;
  }
  return { timestamp: at, event: event.type, step_name, details };
}

const BULKY: ReadonlySet<string> = new Set([
  'output',
  'context',
  'context_data',
  'payload',
  'default',
  'items',
  'result',
  'place',
  'chance',
]);
