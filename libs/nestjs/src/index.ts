export { DownbeatService } from '@downbeat/sdk';
export * from './decorators';
export * from './downbeat.module';
export { SecondService, UnfitHandler } from './handlers';
