export * from './cause';
export * from './postgres-dead-letters';
