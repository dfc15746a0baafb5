export * from './instance-check';
export * from './service-check';
export * from './thresholds';
