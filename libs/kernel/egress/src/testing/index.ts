export * from './forbidden-hosts';
