import { hours, minutes } from '@downbeat/observability-domain';
import type { Projection } from '@downbeat/projections';
import { callRingTable } from './call-ring.table';
import { toldCallsTable } from './told-calls.table';

export const callMinuteTable = callRingTable('call_minute', minutes, 'minutes');
export const callHourTable = callRingTable('call_hour', hours, 'hours');

/** Calls between services: by minute for a day, by hour for thirty. */
export const calls: Projection = {
  name: 'observability.calls',
  version: 2,
  tables: [callMinuteTable, callHourTable, toldCallsTable],
};
