export * from './eventually';
export * from './is-alive';
