import { backOffMs, pause, settledWithin } from '../pause';
import type { ConfigurationEvent } from './configuration';
import {
  RegistryRefused,
  type Asked,
  type ConfigurationSource,
  type InForce,
  type NotInForce,
} from './configuration-source';
import type { HeldConfiguration, Verdict } from './held-configuration';
import { reasonOf } from './reason';

type Held = Pick<
  HeldConfiguration<never>,
  'take' | 'release' | 'holds' | 'heard' | 'noneInForce' | 'troubled'
>;

export interface FollowerOptions {
  readonly held: Held;
  readonly source: ConfigurationSource;
  readonly onEvent: (event: ConfigurationEvent) => void;
  readonly askEveryMs?: number;
}

const ASK_EVERY_MS = 30_000;
const RETRY_FIRST_MS = 250;
const RETRY_MAX_MS = 10_000;
/** So that the instances of a service do not all ask in the same moment. */
const NEWS_SPREAD_MS = 100;
const RETURN_SPREAD_MS = 1_000;
const JITTER = 0.3;
/** A position that the registry never comes to was not the registry's. */
const TRIES_BEFORE_ANY_POSITION = 5;
const STOP_WITHIN_MS = 1_000;

interface Judged {
  readonly checksum: string;
  /** Absent: it was released. */
  readonly activation?: number;
  readonly verdict: Verdict | { readonly outcome: 'released' };
}

/**
 * Asks for the configuration when there is news, when news may have been missed, and now and then;
 * has it taken, and says what became of it. One question at a time. While nobody answers, what is held
 * goes on.
 */
export class ConfigurationFollower {
  private readonly ending = new AbortController();
  private waking = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private instanceId: string | undefined;
  private judged: Judged | undefined;
  /** What runs here, as the registry last had it in force. */
  private runs: Pick<InForce, 'config_version' | 'checksum' | 'activation'> | undefined;
  /** It has been told that the registry does not know what runs here. */
  private isForgotten = false;
  /** How often the registry began to know the instance: each time it knows nothing of what runs here. */
  private registrations = 0;
  /** What the registry has been told last. */
  private said: string | undefined;
  private isWaking = false;
  private position: number | undefined;
  private unsubscribe: readonly (() => void)[] = [];

  constructor(private readonly options: FollowerOptions) {}

  /** The registry knows the instance, from now on or again: it has to be told once more what runs here. */
  registered(instanceId: string): void {
    this.registrations++;
    const isFirst = this.instanceId === undefined;
    this.instanceId = instanceId;
    if (this.ending.signal.aborted) return;
    if (!isFirst) return this.wake();
    const { source } = this.options;
    this.unsubscribe = [
      source.onNews(({ position }) => this.heardOf(position)),
      source.onReturn(() => this.wakeIn(RETURN_SPREAD_MS)),
    ];
    this.running = this.follow(instanceId);
  }

  /** Ends after the question under way, and does not wait for who listens. */
  async stop(): Promise<void> {
    for (const end of this.unsubscribe) end();
    this.ending.abort();
    this.wake();
    await settledWithin(STOP_WITHIN_MS, this.running);
  }

  private async follow(instanceId: string): Promise<void> {
    const { askEveryMs = ASK_EVERY_MS, held, onEvent } = this.options;
    for (let failures = 0; !this.ending.signal.aborted;) {
      this.waking = new AbortController();
      let delayMs = askEveryMs * (1 - JITTER + 2 * JITTER * Math.random());
      try {
        await this.ask(instanceId);
        failures = 0;
      } catch (fault) {
        failures++;
        if (failures >= TRIES_BEFORE_ANY_POSITION) this.position = undefined;
        delayMs = Math.min(delayMs, backOffMs(failures, RETRY_FIRST_MS, RETRY_MAX_MS));
        const reason = reasonOf(fault);
        held.troubled(reason);
        if (!this.ending.signal.aborted)
          onEvent({ type: 'configuration-unknown', reason, delayMs });
      }
      await pause(delayMs, this.waking.signal);
    }
  }

  private async ask(instance_id: string): Promise<void> {
    const { held, source } = this.options;
    const { position, judged } = this;
    // What runs here, but for an onChange that is under way or has failed, is tried again.
    const isAstray = judged?.verdict.outcome === 'refused' && held.holds(judged.checksum);
    const isHad = judged && judged.verdict.outcome !== 'released' && !isAstray;
    const as = { instance_id, ...(position !== undefined && { min_position: position }) };
    const found = await source.ask({ ...as, ...(isHad && { checksum: judged.checksum }) });
    if (this.ending.signal.aborted) return;
    held.heard();
    if (this.position === position) this.position = undefined;
    if (isAbsence(found)) return this.noneInForce(found, as);
    this.isForgotten = false;
    // Put in force again, it may be taken now.
    if (judged?.verdict.outcome === 'refused' && isSameAnew(judged, found)) {
      this.judged = undefined;
      return this.ask(instance_id);
    }
    const verdict = await this.verdictOn(found);
    // It may be for the end alone that it was refused.
    if (this.ending.signal.aborted && verdict.outcome === 'refused') return;
    // Nothing of the offer: its secrets are in the clear.
    const { config_version, checksum, activation } = found;
    this.judged = { checksum, activation, verdict };
    if (verdict.outcome === 'applied') this.runs = { config_version, checksum, activation };
    await this.acknowledge(instance_id, this.judged);
  }

  /** @param said Of what was judged last, which may be another one than what runs here, or none. */
  private async noneInForce(said: NotInForce, as: Asked): Promise<void> {
    const { held, source } = this.options;
    held.noneInForce();
    const { runs } = this;
    const { instance_id } = as;
    if (!runs) return this.takenBack(instance_id);
    const { config_version, checksum, activation } = runs;
    const isSaid = said === 'not-in-history' && this.judged?.checksum === checksum;
    const found = isSaid ? said : await source.ask({ ...as, checksum, activation });
    // What came in force in between has its hint.
    if (this.ending.signal.aborted || !isAbsence(found)) return;
    if (found === 'none') return this.takenBack(instance_id);
    const { onEvent } = this.options;
    if (!this.isForgotten) onEvent({ type: 'configuration-forgotten', config_version, checksum });
    this.isForgotten = true;
    if (this.judged) await this.acknowledge(instance_id, this.judged);
  }

  /** Or there never was any. */
  private async takenBack(instance_id: string): Promise<void> {
    const { held, onEvent } = this.options;
    const released = await held.release(this.ending.signal);
    if (released) {
      const { verdict, config_version, checksum } = released;
      const said = { config_version, checksum };
      // Who refuses may be half-way: should it come back, it is asked for as a whole.
      this.judged = verdict.outcome === 'refused' ? undefined : { checksum, verdict };
      if (verdict.outcome === 'released') this.runs = undefined;
      onEvent(
        verdict.outcome === 'refused'
          ? { type: 'configuration-kept', ...said, reason: verdict.detail }
          : { type: 'configuration-released', ...said },
      );
    }
    if (this.judged?.verdict.outcome === 'released')
      await this.acknowledge(instance_id, this.judged);
  }

  private async verdictOn({
    offer,
    config_version,
    checksum,
  }: InForce): Promise<Judged['verdict']> {
    const { held, onEvent } = this.options;
    if (!offer && this.judged) return this.judged.verdict;
    if (!offer) throw new RegistryRefused('it was asked for everything, and gave nothing');
    const { signal } = this.ending;
    const verdict = await held.take(offer, signal);
    if (signal.aborted && verdict.outcome === 'refused') return verdict;
    const said = { config_version, checksum };
    onEvent(
      verdict.outcome === 'applied'
        ? { type: 'configuration-applied', ...said }
        : { type: 'configuration-refused', ...said, reason: verdict.detail },
    );
    return verdict;
  }

  private async acknowledge(
    instance_id: string,
    { checksum, activation, verdict }: Judged,
  ): Promise<void> {
    const saying = `${this.registrations} ${activation} ${checksum} ${verdict.outcome}`;
    if (this.said === saying) return;
    const { outcome } = verdict;
    const why = outcome === 'refused' && { reason: verdict.reason };
    const which = activation !== undefined && { activation };
    await this.options.source.acknowledge({ instance_id, checksum, ...which, outcome, ...why });
    this.said = saying;
  }

  private heardOf(position: number): void {
    this.position = Math.max(position, this.position ?? 0);
    this.wakeIn(NEWS_SPREAD_MS);
  }

  private wakeIn(spreadMs: number): void {
    if (this.isWaking) return;
    this.isWaking = true;
    void pause(Math.random() * spreadMs, this.ending.signal).then(() => {
      this.isWaking = false;
      this.wake();
    });
  }

  private wake(): void {
    this.waking.abort();
  }
}

const isAbsence = (found: InForce | NotInForce): found is NotInForce => typeof found === 'string';

const isSameAnew = (judged: Judged, found: InForce): boolean =>
  found.checksum === judged.checksum && found.activation !== judged.activation;
