export * from './check-plan';
export * from './check-request';
export * from './expectations';
export * from './instance-check';
export * from './phases';
export * from './rendezvous';
export * from './service-check';
export * from './thresholds';
