export * from './dead-letter';
export * from './subscription';
