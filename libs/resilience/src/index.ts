export * from './circuit-breaker';
export * from './sliding-counts';
export * from './token-bucket';
export * from './weighted-turns';
