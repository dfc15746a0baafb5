export * from './command-outcome';
export * from './message-bus';
export * from './settlement';
