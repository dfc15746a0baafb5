import { hostConfig, type HostSettings } from '@downbeat/service-host';

/** Not the default: who does not ask the settings for it hears no hint. */
export const LOG_NAME = 'journal';

/** What the environment of a gateway under test says. */
export const hostSettings: HostSettings = {
  config: hostConfig.parse({ NATS_URL: 'nats://127.0.0.1:4222', LOG_NAME }),
  environment: {},
};
