import { recordSpans } from './spans';
import { compareTraces, getTrace, listTraces, searchTraces } from './traces';

export * from './spans';
export * from './traces';

export const observability = {
  commands: [recordSpans],
  queries: [listTraces, searchTraces, getTrace, compareTraces],
  events: [],
} as const;
