import { PLACE_DIGITS } from './trace.table';

/** Places from one to before another, as the index on them is asked. */
export interface PlaceRange {
  readonly from: string;
  readonly before: string;
}

/** Behind all places: they begin with a digit. */
const BEHIND_ALL = ':';

/** The places of traces that began in a stretch of time; either end may be open. */
export const placesBetween = (start?: string, end?: string): PlaceRange => ({
  from: start === undefined ? '' : firstPlaceOf(start),
  before: end === undefined ? BEHIND_ALL : firstPlaceOf(end),
});

/** What is left of them behind a cursor; the newest come first. */
export const placesAfter = (range: PlaceRange, cursor: string | null): PlaceRange =>
  cursor === null || cursor > range.before ? range : { ...range, before: cursor };

const firstPlaceOf = (instant: string): string =>
  String(Math.max(0, microsOf(instant))).padStart(PLACE_DIGITS, '0');

/** A moment may be said to the microsecond, as traces are shown. */
function microsOf(instant: string): number {
  const below = /\.\d{3}(\d{1,3})/.exec(instant)?.[1] ?? '';
  return Math.floor(Date.parse(instant)) * 1_000 + Number(below.padEnd(3, '0'));
}
