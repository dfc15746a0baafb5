export * from './check-request';
export * from './expectations';
export * from './instance-check';
export * from './service-check';
export * from './thresholds';
