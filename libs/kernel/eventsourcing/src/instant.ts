import type { Brand } from './brand';

/** A moment, ISO 8601 in UTC with milliseconds: `2026-03-01T09:30:00.000Z`. Sorts as text. */
export type Instant = Brand<string, 'Instant'>;

/** @param epochMs Milliseconds since 1970-01-01T00:00Z. */
export const instantOf = (epochMs: number): Instant => new Date(epochMs).toISOString() as Instant;

/** @returns Milliseconds since 1970-01-01T00:00Z. */
export const epochMs = (instant: Instant): number => Date.parse(instant);
