export * from './event-transport';
export * from './publication';
export * from './publication-log';
export * from './receipts';
export * from './relay';
export * from './session-lock';
export * from './subscriber';
