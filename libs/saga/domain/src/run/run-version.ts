import type { CompensationStrategy } from './events';
import type { Run } from './state';

/** The version of its definition that the run goes by: the one it began with, until it migrates. */
export const versionOf = ({ started, migrated }: Run): string =>
  migrated?.version ?? started.workflow_version;

/** What is undone at its end, unless somebody asks otherwise. */
export const strategyOf = ({ started, migrated }: Run): CompensationStrategy =>
  migrated?.strategy ?? started.compensation_strategy;
