import { recordCalls } from './call-reports';
import { getCalls } from './calls';
import { getServiceMap } from './service-map';
import { allAlertCommands, allAlertQueries } from './alert-contracts';
import { recordSpans } from './spans';
import { compareTraces, getTrace, listTraces, searchTraces } from './traces';

export * from './call-reports';
export * from './calls';
export * from './duration-buckets';
export * from './service-map';
export * from './alert-contracts';
export * from './spans';
export * from './traces';

export const observability = {
  commands: [recordSpans, recordCalls, ...allAlertCommands],
  queries: [
    listTraces,
    searchTraces,
    getTrace,
    compareTraces,
    getCalls,
    getServiceMap,
    ...allAlertQueries,
  ],
  events: [],
} as const;
