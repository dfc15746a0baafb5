import type { RecordedSpan } from './span';

const MINUTE_US = 60_000_000;
const DAY_US = 24 * 60 * MINUTE_US;
/** A clock may go ahead of ours by so much. */
const AHEAD_US_MAX = 10 * MINUTE_US;
/** What an exporter kept while it could not reach us. */
const AGE_US_MAX = 30 * DAY_US;
const DURATION_US_MAX = 30 * DAY_US;

export interface ClockFault {
  readonly field: 'start_us' | 'duration_us';
  readonly message: string;
}

/** What cannot be true of a span that is handed over at `atUs`: it would stand alone at the end of every list. */
export function clockFault(
  { start_us, duration_us }: Pick<RecordedSpan, 'start_us' | 'duration_us'>,
  atUs: number,
): ClockFault | undefined {
  if (start_us > atUs + AHEAD_US_MAX)
    return { field: 'start_us', message: 'is more than 10 minutes in the future' };
  if (start_us < atUs - AGE_US_MAX)
    return { field: 'start_us', message: 'is more than 30 days in the past' };
  if (duration_us > DURATION_US_MAX)
    return { field: 'duration_us', message: 'is longer than 30 days' };
  return undefined;
}
