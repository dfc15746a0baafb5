export * from './eventually';
export * from './http-listener';
export * from './tcp-gate';
export * from './test-bench';
