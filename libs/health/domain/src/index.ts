export * from './instance-check';
export * from './thresholds';
