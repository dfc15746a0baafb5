export * from '../memory-event-store';
export * from '../memory-leases';
export * from '../memory-log';
export * from './event-store-behaviour';
export { eventually } from '@downbeat/local-servers/testing';
export * from './log-database';
export * from './sample-appends';
