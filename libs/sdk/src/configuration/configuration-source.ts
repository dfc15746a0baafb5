import type { AnswerOf, DataOf, registryContract } from '@downbeat/contracts';
import type { Offer } from './document';

export type Acknowledgement = DataOf<typeof registryContract.acknowledgeConfiguration>;
export type Environment = Acknowledgement['environment'];

/** Whose configuration it is. */
export interface Owner {
  readonly service_id: string;
  readonly environment: Environment;
}

/** Another configuration is in force, as of a position in the log. */
export interface ConfigurationNews {
  readonly position: number;
}

/** What is in force. Without an offer: what the asker has. */
export interface InForce extends Pick<
  AnswerOf<typeof registryContract.instanceConfiguration>,
  'config_version' | 'checksum' | 'activation'
> {
  readonly offer?: Offer;
}

/**
 * `none`: what the asker has was taken back, or it has nothing. `not-in-history`: the registry's log does
 * not know that it ever was in force.
 */
export type NotInForce = 'none' | 'not-in-history';

export interface Asked {
  readonly instance_id: string;
  /** Of what the asker has. */
  readonly checksum?: string;
  /** With which the asker was given it. A registry of before it was asked for says `none`. */
  readonly activation?: number;
  /** The answer is not to be from before. */
  readonly min_position?: number;
}

/** NATS or the registry is away. */
export class RegistrySilent extends Error {
  override readonly name = 'RegistrySilent';
  readonly code = 'sdk/registry-silent';
}

/** The registry said no, or what nobody understands. */
export class RegistryRefused extends Error {
  override readonly name = 'RegistryRefused';
  readonly code = 'sdk/registry-refused';
}

/** The way to the registry. */
export interface ConfigurationSource {
  /** @throws When the registry does not answer in time, or refuses to. */
  ask(asked: Asked): Promise<InForce | NotInForce>;
  /** @throws When it is not known whether the registry has it. */
  acknowledge(said: Omit<Acknowledgement, keyof Owner>): Promise<void>;
  /** Calls `listener` with news of this configuration. Returns the unsubscribe function. */
  onNews(listener: (news: ConfigurationNews) => void): () => void;
  /** Calls `listener` when news may have been missed. Returns the unsubscribe function. */
  onReturn(listener: () => void): () => void;
}
