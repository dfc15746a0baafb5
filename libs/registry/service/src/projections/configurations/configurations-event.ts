import type {
  ConfigurationAcknowledged,
  ConfigurationEvent,
  InstanceEvent,
} from '@downbeat/registry-domain';

/** All that the tables of configurations are made from. */
export type ConfigurationsEvent = ConfigurationEvent | ConfigurationAcknowledged | InstanceEvent;
