export * from './capabilities';
export * from './instance-registration';
export * from './service-registration';
export * from './dependencies/dependency';
export * from './dependencies/dependency-graph';
export * from './dependencies/paths';
