export { CRASH_POINTS } from './engine/crash-points';
export * from './saga.module';
