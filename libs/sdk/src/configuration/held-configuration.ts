import type { z } from 'zod';
import { settledWithin } from '../pause';
import { ChangeListener } from './change-listener';
import {
  ConfigurationMissing,
  type Configuration,
  type ConfigurationOptions,
  type ConfigurationStatus,
} from './configuration';
import { hasSecrets, secretsOf, withSecrets, type Offer } from './document';
import { frozen } from './frozen';
import { ConfigurationRefusal, discreetReasonOf, reasonOf } from './reason';
import { lookUpAmong, VARIABLES_READ } from './references';
import type { Secret } from './secret';

export type Verdict =
  | { readonly outcome: 'applied' }
  | {
      readonly outcome: 'refused';
      /** For everybody. */
      readonly reason: string;
      /** For the log of the service alone. */
      readonly detail: string;
    };

/** What became of what runs here, when nothing is in force. */
export interface Release {
  readonly config_version: string;
  readonly checksum: string;
  readonly verdict: { readonly outcome: 'released' } | Extract<Verdict, { outcome: 'refused' }>;
}

interface Held<Value> {
  readonly value: Value;
  readonly config_version: string;
  readonly checksum: string;
  readonly secrets: readonly Secret[];
}

const WAIT_MS = 10_000;
const APPLY_MS = 10_000;

/** What runs here: takes what the registry offers as a whole, or leaves it. One offer at a time. */
export class HeldConfiguration<Schema extends z.ZodType> implements Configuration<
  z.output<Schema>
> {
  private held: Held<z.output<Schema>> | undefined;
  private readonly otherwise: Pick<Held<z.output<Schema>>, 'value' | 'secrets'> | undefined;
  /** From then on whoever says something may repeat one. */
  private knowsSecrets = false;
  private refused: ConfigurationStatus['refused'];
  private heardAt: number | undefined;
  private trouble = 'the registry was not asked';
  private readonly listener: ChangeListener<z.output<Schema>>;
  private waiting: Promise<boolean> | undefined;
  private tellFirst: () => void = () => undefined;
  private readonly first = new Promise<void>((resolve) => (this.tellFirst = resolve));

  /** @throws {z.ZodError} `otherwise` is not what the schema says. */
  constructor(
    private readonly schema: Schema,
    private readonly options: ConfigurationOptions<Schema>,
    private readonly now: () => number = () => performance.now(),
  ) {
    const { otherwise, onChange } = options;
    this.listener = new ChangeListener(onChange, () => this.held ?? this.otherwise);
    if (otherwise === undefined) return;
    const value = frozen(schema.parse(otherwise));
    this.otherwise = { value, secrets: secretsOf(value) };
    this.knowsSecrets = this.otherwise.secrets.length > 0;
  }

  get current(): z.output<Schema> {
    const found = this.held ?? this.otherwise;
    if (found) return found.value;
    throw new ConfigurationMissing(`no configuration is known: ${this.trouble}`);
  }

  async known(): Promise<z.output<Schema>> {
    this.waiting ??= settledWithin(this.options.waitMs ?? WAIT_MS, this.first);
    await this.waiting;
    return this.current;
  }

  status(): ConfigurationStatus {
    const { held, refused, heardAt } = this;
    const age_ms = heardAt === undefined ? -1 : this.now() - heardAt;
    const more = { age_ms, ...(refused && { refused }) };
    if (!held) return { source: this.otherwise ? 'otherwise' : 'nowhere', ...more };
    const { config_version, checksum } = held;
    return { source: 'registry', config_version, checksum, ...more };
  }

  /** The registry said just now what is in force. */
  heard(): void {
    this.heardAt = this.now();
  }

  /** Why nothing is known, should somebody ask. */
  troubled(reason: string): void {
    this.trouble = reason;
  }

  /** The registry has none in force: what was refused is not any more either. */
  noneInForce(): void {
    this.refused = undefined;
    this.trouble = 'the registry has none in force';
  }

  /** Whether `current` is from it. */
  holds(checksum: string): boolean {
    return this.held?.checksum === checksum;
  }

  /**
   * Never throws: what goes wrong with it is why it is refused.
   *
   * @param ending From then on onChange is not called.
   */
  async take(offer: Offer, ending: AbortSignal): Promise<Verdict> {
    const { config_version, checksum } = offer;
    if (this.held?.checksum === checksum && !this.listener.isAstray) {
      // It ran all the time, whatever was refused meanwhile.
      this.held = { ...this.held, config_version };
      this.refused = undefined;
      return { outcome: 'applied' };
    }
    // A listener has the one before as well.
    const known = (this.held ?? this.otherwise)?.secrets ?? [];
    const secrets: Secret[] = [];
    try {
      this.knowsSecrets ||= hasSecrets(offer);
      const value = await this.agreed(() => this.read(offer, secrets), ending);
      this.held = { value, config_version, checksum, secrets };
      this.refused = undefined;
      this.tellFirst();
      return { outcome: 'applied' };
    } catch (thrown) {
      const refusal = this.refusal(thrown, [...known, ...secrets]);
      const { reason } = refusal;
      this.refused = { config_version, reason };
      this.trouble = `${config_version} was refused: ${reason}`;
      return refusal;
    }
  }

  /**
   * Back to what holds otherwise, since what runs here was taken back; without such a thing all goes on as it is.
   * Never throws.
   *
   * @returns undefined when there is nothing to go back from or to.
   */
  async release(ending: AbortSignal): Promise<Release | undefined> {
    const { held, otherwise } = this;
    if (!held || !otherwise) return undefined;
    const { config_version, checksum } = held;
    try {
      await this.agreed(() => Promise.resolve(otherwise.value), ending);
      this.held = undefined;
      return { config_version, checksum, verdict: { outcome: 'released' } };
    } catch (thrown) {
      if (ending.aborted) return undefined;
      const verdict = this.refusal(thrown, [...held.secrets, ...otherwise.secrets]);
      return { config_version, checksum, verdict };
    }
  }

  private refusal(thrown: unknown, secrets: readonly Secret[]) {
    const plain = secrets.map((secret) => secret.reveal());
    const detail = reasonOf(thrown, plain);
    const reason = this.knowsSecrets ? discreetReasonOf(thrown, plain) : detail;
    return { outcome: 'refused', reason, detail } as const;
  }

  private async read(offer: Offer, secrets: Secret[]): Promise<z.output<Schema>> {
    const { variables = VARIABLES_READ } = this.options;
    const { lookUp = lookUpAmong(variables) } = this.options;
    const said = await withSecrets(offer, lookUp, secrets);
    return frozen(await this.schema.parseAsync(said));
  }

  /** Read, checked, and listened to, all in time. Until then nobody sees it. */
  private async agreed(
    read: () => Promise<z.output<Schema>>,
    ending: AbortSignal,
  ): Promise<z.output<Schema>> {
    const { applyMs = APPLY_MS } = this.options;
    const late = new AbortController();
    const agreeing = (async () => {
      const value = await read();
      await this.listener.agreeTo(value, late.signal, ending);
      return value;
    })();
    if (await settledWithin(applyMs, agreeing)) return agreeing;
    late.abort();
    throw new ConfigurationRefusal(`it was not agreed to within ${applyMs} ms`);
  }
}
