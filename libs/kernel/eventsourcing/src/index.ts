export * from './brand';
export * from './decider';
export * from './fault';
export * from './instant';
export * from './json';
export * from './message';
export * from './recorded-event';
export * from './rejection';
