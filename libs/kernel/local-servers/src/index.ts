export * from './errors';
export { freePort, isPortFree } from './free-port';
export {
  endsWithin,
  GuardedProcess,
  type Exit,
  type GuardedProcessOptions,
  type StopPlan,
} from './guarded-process';
export { startNats, type NatsOptions, type RunningNats } from './nats';
export { startPostgres, type PostgresOptions } from './postgres';
export type { RunningServer } from './running-server';
export { systemCode } from './system-error';
