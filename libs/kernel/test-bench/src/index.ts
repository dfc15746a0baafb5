export * from './eventually';
export * from './tcp-gate';
export * from './test-bench';
