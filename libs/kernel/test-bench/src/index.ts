export * from './eventually';
export * from './http-listener';
export * from './quick-once';
export * from './server-sent-events';
export * from './tcp-gate';
export * from './test-bench';
