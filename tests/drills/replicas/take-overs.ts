import type { Sight } from './witness';

/** A blow to a replica, and the owner under which it held its runs then. */
export interface Strike {
  /** Milliseconds, by the machine's true clock. */
  readonly at: number;
  readonly owner: string;
}

/** One run that changed hands, and when its new holder first did something. */
export interface TakeOver {
  readonly stream: string;
  readonly from: string;
  readonly to: string;
  readonly epoch: number;
  readonly at: number;
  /** Of the last append of the run before, and when that was. */
  readonly position: number;
  readonly appendedAt: number;
  /** Undefined: the run changed hands again first, or nothing was to be done. */
  readonly firstAppendAt: number | undefined;
}

/** Appends that should not have been accepted, one sentence each. */
export function staleAppends(sights: readonly Sight[]): readonly string[] {
  const held = new Map<string, { readonly owner: string; readonly epoch: number }>();
  return sights.flatMap((sight) => {
    const { kind, stream, owner, epoch, detail, outcome, position } = sight;
    if (kind === 'append' && outcome !== 'appended') return [];
    const holder = held.get(stream);
    const isFirst = kind === 'append' && detail === 'acquire';
    if (kind === 'take-over' || isFirst) held.set(stream, { owner, epoch });
    else if (detail === 'release') held.delete(stream);
    const said = `${stream}: ${owner} in epoch ${epoch}`;
    if (kind === 'take-over')
      return holder && epoch !== holder.epoch + 1
        ? [`${said} took over from epoch ${holder.epoch}`]
        : [];
    if (isFirst) return holder ? [`${said} acquired what ${holder.owner} held`] : [];
    if (!holder) return [`${said} appended up to ${position}, and held nothing`];
    return holder.owner === owner && holder.epoch === epoch
      ? []
      : [
          `${said} appended up to ${position}, when ${holder.owner} held it in epoch ${holder.epoch}`,
        ];
  });
}

/** Appends that were refused because they came with a stale epoch, or from who held nothing. */
export const refusedAppends = (sights: readonly Sight[]): number =>
  sights.filter(({ kind, outcome }) => kind === 'append' && outcome === 'lease').length;

export function takeOvers(sights: readonly Sight[]): readonly TakeOver[] {
  const open = new Map<string, TakeOver>();
  const last = new Map<string, { readonly position: number; readonly appendedAt: number }>();
  const all: TakeOver[] = [];
  const close = (stream: string, firstAppendAt: number | undefined): void => {
    const taken = open.get(stream);
    if (taken) all.push({ ...taken, firstAppendAt });
    open.delete(stream);
  };
  for (const { kind, stream, owner, epoch, detail, at, outcome, position } of sights) {
    if (kind === 'take-over') {
      close(stream, undefined);
      const before = last.get(stream) ?? { position: 0, appendedAt: 0 };
      const taken = { stream, from: detail, to: owner, epoch, at, ...before };
      open.set(stream, { ...taken, firstAppendAt: undefined });
    } else if (outcome === 'appended') {
      if (open.get(stream)?.to === owner) close(stream, at);
      if (position > 0) last.set(stream, { position, appendedAt: at });
    }
  }
  for (const stream of [...open.keys()]) close(stream, undefined);
  return all;
}

/** A run that had something to do when it was taken over, and did nothing for a while. */
export interface Standstill {
  readonly stream: string;
  readonly position: number;
  /** From the strike, or from when something was due or the run last went on if that was later. */
  readonly since: number;
  readonly takenOverAt: number;
  readonly wentOnAt: number;
}

/**
 * How long each run stood still, until the first append of its new holder.
 *
 * @param dueAt When the next thing of a run is to be done, as its events up to a position say;
 *              undefined: at once.
 */
export const standstills = (
  taken: readonly TakeOver[],
  strikes: readonly Strike[],
  dueAt: (stream: string, position: number) => number | undefined,
): readonly Standstill[] =>
  taken.flatMap(({ stream, from, at, position, appendedAt, firstAppendAt }) => {
    // One that was short left it what it held: the last blow before is what did it.
    const strike = strikes.findLast((one) => one.owner === from && one.at <= at);
    if (!strike || firstAppendAt === undefined) return [];
    const due = dueAt(stream, position) ?? strike.at;
    // Who was frozen may wake up, start a run it was given before, and lose that too.
    const since = Math.max(strike.at, due, appendedAt);
    return due > at ? [] : [{ stream, position, since, takenOverAt: at, wentOnAt: firstAppendAt }];
  });

export const msOf = ({ since, wentOnAt }: Standstill): number => wentOnAt - since;

const SLOWEST = 10;

export const slowest = (all: readonly Standstill[]): readonly Standstill[] =>
  all.toSorted((one, other) => msOf(other) - msOf(one)).slice(0, SLOWEST);

/** The value below which `part` of them lie; 0 of nothing. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? 0;
}
