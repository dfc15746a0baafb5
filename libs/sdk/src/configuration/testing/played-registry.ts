import { z } from 'zod';
import type { ConfigurationOptions } from '../configuration';
import { ConfigurationFollower } from '../configuration-follower';
import type {
  Acknowledgement,
  Asked,
  ConfigurationNews,
  ConfigurationSource,
  InForce,
  NotInForce,
} from '../configuration-source';
import { HeldConfiguration } from '../held-configuration';
import { secret } from '../secret';

export const schema = z.object({ pool: z.number(), password: secret().optional() });
export type Schema = typeof schema;
export type Said = Omit<Acknowledgement, 'service_id' | 'environment'>;

/** A registry that has one configuration in force, and tells of another when it is told to. */
export class PlayedRegistry implements ConfigurationSource {
  inForce: (InForce & { document: object; secrets?: string[] }) | undefined;
  activations = 0;
  position = 0;
  isReachable = true;
  /** Whether it tells what was taken back from what it knows nothing of. */
  isOld = false;
  private history: readonly string[] = [];
  readonly asked: Asked[] = [];
  readonly said: Said[] = [];
  listener: (news: ConfigurationNews) => void = () => undefined;
  returned: () => void = () => undefined;

  activate(config_version: string, document: object, secrets: string[] = []): void {
    const activation = ++this.activations;
    const checksum = `sum of ${config_version}`;
    this.inForce = { config_version, checksum, activation, document, secrets };
    this.history = [...this.history, `${activation} ${checksum}`];
    this.position++;
  }

  takeBack(): void {
    this.inForce = undefined;
    this.position++;
  }

  /** Of before so many activations, none of which is in force. */
  restoreBefore(activation: number): void {
    this.inForce = undefined;
    this.activations = activation - 1;
    this.history = this.history.slice(0, activation - 1);
  }

  tell(position = this.position): void {
    this.listener({ position });
  }

  ask(asked: Asked): Promise<InForce | NotInForce> {
    this.asked.push(asked);
    if (!this.isReachable) return Promise.reject(new Error('nobody answers'));
    if ((asked.min_position ?? 0) > this.position)
      return Promise.reject(new Error('read-model-behind'));
    if (!this.inForce) return Promise.resolve(this.knows(asked) ? 'none' : 'not-in-history');
    const { document, secrets = [], ...said } = this.inForce;
    if (asked.checksum === said.checksum) return Promise.resolve(said);
    const offer = { ...said, document: document as never, secrets };
    return Promise.resolve({ ...said, offer });
  }

  private knows({ checksum, activation }: Asked): boolean {
    if (this.isOld || checksum === undefined) return true;
    return this.history.some((one) =>
      activation === undefined ? one.endsWith(` ${checksum}`) : one === `${activation} ${checksum}`,
    );
  }

  acknowledge(said: Said): Promise<void> {
    if (!this.isReachable) return Promise.reject(new Error('nobody answers'));
    this.said.push(said);
    return Promise.resolve();
  }

  onNews(listener: (news: ConfigurationNews) => void) {
    this.listener = listener;
    return () => (this.listener = () => undefined);
  }

  onReturn(listener: () => void) {
    this.returned = listener;
    return () => (this.returned = () => undefined);
  }
}

/** The configuration of an instance that the registry knows, and what it tells of it. */
export function followed(registry: PlayedRegistry, options: ConfigurationOptions<Schema>) {
  const events: unknown[] = [];
  const held = new HeldConfiguration(schema, options);
  const follower = new ConfigurationFollower({
    ...{ held, source: registry, onEvent: (event) => events.push(event) },
  });
  follower.registered('billing-1');
  return { held, follower, events };
}
