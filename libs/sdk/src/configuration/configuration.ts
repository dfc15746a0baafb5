import type { z } from 'zod';
import type { LookUp } from './references';

export interface ConfigurationOptions<Schema extends z.ZodType> {
  /**
   * Called with each configuration before it takes the place of the one before; one call at a time. What
   * it throws refuses it: everything goes on with the one before, and the registry is told why.
   *
   * @param signal Aborted after `applyMs` and when the service stops: give up, and leave all as it was.
   *   Whoever agrees after that nevertheless is called again with the one before, to go back to it. Until
   *   it ends nothing else is taken.
   */
  readonly onChange?: (
    next: z.output<Schema>,
    before: z.output<Schema> | undefined,
    signal: AbortSignal,
  ) => void | Promise<void>;
  /**
   * What holds until the registry has answered, and again when it has taken back the first configuration
   * and nothing is in force: then `onChange` is called with it. Absent: nothing does, and what was taken
   * back stays until there is another.
   */
  readonly otherwise?: z.input<Schema>;
  /** Of which configurations are asked for. Default: the service's `deployment_environment`. */
  readonly environment?: 'development' | 'staging' | 'production';
  /** How long {@link Configuration.known} waits. Default 10,000. */
  readonly waitMs?: number;
  /** How long a configuration may take to be checked and listened to; then it is refused. Default 10,000. */
  readonly applyMs?: number;
  /** How often is asked without having heard anything, with a third of jitter. Default 30,000. */
  readonly askEveryMs?: number;
  /**
   * Variables of the environment that a configuration may refer to (`env:NAME`), by name; with `*` at its
   * end, a name stands for all that begin so. Whoever writes configurations can have their values sent to
   * wherever the service sends a value. Default: `['CONFIG_*']`.
   */
  readonly variables?: readonly string[];
  /**
   * Finds what `{"$secret": {"ref": …}}` refers to. Default: `env:NAME` of `variables`, and
   * `file:/run/secrets/…`.
   */
  readonly lookUp?: LookUp;
}

/** The configuration of this service, as the registry has it in force. */
export interface Configuration<Value> {
  /**
   * What holds now: one frozen object, replaced as a whole. Keep the object for as long as things must
   * fit together.
   *
   * @throws {ConfigurationMissing} Nothing is known yet, and there is no `otherwise`.
   */
  readonly current: Value;
  /**
   * Waits for the first one that the registry has, for `waitMs` from the first time that it is called;
   * then `otherwise` has to do.
   *
   * @throws {ConfigurationMissing} There is neither.
   */
  known(): Promise<Value>;
  status(): ConfigurationStatus;
}

export interface ConfigurationStatus {
  readonly source: 'registry' | 'otherwise' | 'nowhere';
  readonly config_version?: string;
  readonly checksum?: string;
  /** Since the registry last said what is in force; -1: it never has. */
  readonly age_ms: number;
  /** The one that is in force and does not run here. */
  readonly refused?: { readonly config_version: string; readonly reason: string };
}

/** Nothing is known of the configuration, and there is no other to go on with. */
export class ConfigurationMissing extends Error {
  override readonly name = 'ConfigurationMissing';
  readonly code = 'sdk/configuration-missing';
}

/**
 * What happens to the configuration, for the service's log alone. The `reason` is what was thrown: secret
 * values are taken out of it as far as they can be found. The registry is told less.
 */
export type ConfigurationEvent =
  | {
      readonly type: 'configuration-applied';
      readonly config_version: string;
      readonly checksum: string;
    }
  | {
      readonly type: 'configuration-refused';
      readonly config_version: string;
      readonly checksum: string;
      readonly reason: string;
    }
  | {
      /** It was taken back, nothing is in force, and `otherwise` holds again. */
      readonly type: 'configuration-released';
      readonly config_version: string;
      readonly checksum: string;
    }
  | {
      /** It was taken back, nothing is in force, and `onChange` does not go back: asked again later. */
      readonly type: 'configuration-kept';
      readonly config_version: string;
      readonly checksum: string;
      readonly reason: string;
    }
  | {
      /**
       * Nothing is in force, and it was not taken back: the registry does not know that it ever was in
       * force, as after its database was restored from an older dump. It goes on until there is another.
       */
      readonly type: 'configuration-forgotten';
      readonly config_version: string;
      readonly checksum: string;
    }
  | { readonly type: 'configuration-unknown'; readonly reason: string; readonly delayMs: number };
