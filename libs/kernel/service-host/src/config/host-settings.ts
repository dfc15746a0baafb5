import type { HostConfig } from './host-config';

/** The settings of this process; its own injection token. */
export abstract class HostSettings {
  abstract readonly config: HostConfig;
  /** Where parts of a process find the settings only they know. */
  abstract readonly environment: Readonly<Record<string, string | undefined>>;
}
