export * from './given-table';
