import { receiverCommands, receiverQueries } from './alert-receivers';
import { alertRuleCommands, alertRuleQueries } from './alert-rules';
import { silenceCommands, silenceQueries } from './alert-silences';
import { alertCommands, alertQueries } from './alerts';

export * from './alert-fields';
export * from './alert-receivers';
export * from './alert-rules';
export * from './alert-silences';
export * from './alerts';

/** All that is said of alerts. */
export const allAlertCommands = [
  ...alertRuleCommands,
  ...alertCommands,
  ...silenceCommands,
  ...receiverCommands,
] as const;
export const allAlertQueries = [
  ...alertRuleQueries,
  ...alertQueries,
  ...silenceQueries,
  ...receiverQueries,
] as const;
