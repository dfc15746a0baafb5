import { epochMs } from '@downbeat/eventsourcing';
import { isCurrent, type Holders } from './holders';
import type { RecordedTransition } from './recorded-hours';

/** A stretch of time, in milliseconds since 1970. */
export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * When a breaker was in one of these states, in any of those who hold it; stretches that touch are
 * one. Who vanished is taken to have ended with its last report.
 *
 * @param transitions Oldest first.
 */
export function stretchesIn(
  states: readonly RecordedTransition['to'][],
  transitions: readonly RecordedTransition[],
  holders: Holders,
  momentMs: number,
): readonly Stretch[] {
  const since = new Map<string, number>();
  const found: Stretch[] = [];
  const end = (holder: string, toMs: number): void => {
    const fromMs = since.get(holder);
    if (fromMs !== undefined) found.push({ fromMs, toMs });
    since.delete(holder);
  };
  for (const { holder, at, to } of transitions) {
    if (!states.includes(to)) end(holder, Date.parse(at));
    else if (!since.has(holder)) since.set(holder, Date.parse(at));
  }
  for (const [holder, fromMs] of [...since]) {
    const known = holders[holder];
    const isHere = known !== undefined && isCurrent(known, momentMs);
    const lastMs = known ? epochMs(known.reported_at) : fromMs;
    end(holder, isHere ? momentMs : Math.max(fromMs, lastMs));
  }
  return merged(found);
}

function merged(stretches: readonly Stretch[]): readonly Stretch[] {
  const all: Stretch[] = [];
  for (const one of [...stretches].sort((a, b) => a.fromMs - b.fromMs)) {
    const last = all.at(-1);
    if (!last || one.fromMs > last.toMs) all.push(one);
    else all[all.length - 1] = { fromMs: last.fromMs, toMs: Math.max(last.toMs, one.toMs) };
  }
  return all;
}
