export * from './instance-registration';
export * from './service-registration';
