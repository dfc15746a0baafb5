export * from './definitions';
export * from './player';
