import type { Projection } from '@downbeat/projections';
import { breakerDefaultsTable } from './breaker-defaults.table';
import { breakerHourTable } from './breaker-hour.table';
import { breakerTable } from './breaker.table';

/** Breakers: how they are, what was said to them, and what they did in the last eight days. */
export const breakers: Projection = {
  name: 'health.breakers',
  version: 2,
  tables: [breakerTable, breakerHourTable, breakerDefaultsTable],
};
