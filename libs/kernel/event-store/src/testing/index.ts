export * from '../memory/memory-event-store';
export * from '../memory/memory-leases';
export * from '../memory/memory-log';
export * from './event-store-behaviour';
export { eventually } from '@downbeat/local-servers/testing';
export * from './log-database';
export * from './sample-appends';
