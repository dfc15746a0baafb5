import { uuidFrom } from '@downbeat/service-host';

/** The same for a rule and a subject, for ever. */
export const alertIdOf = (ruleId: string, subject: string): string =>
  uuidFrom(JSON.stringify(['alert', ruleId, subject]));

/** The same for whoever prepares it: what is owed first tells it from the others of its receiver. */
export const deliveryIdOf = (receiverId: string, firstNotice: string): string =>
  uuidFrom(JSON.stringify(['delivery', receiverId, firstNotice]));
