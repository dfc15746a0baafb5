import { randomUUID } from 'node:crypto';
import type { HeldBreakers } from '@downbeat/breakers';
import type { NatsLink } from '../../nats/nats-link';
import { BreakerObeying } from './breaker-obeying';
import { BreakerSharing } from './breaker-sharing';
import { BreakerTelling } from './breaker-telling';
import type { OnEndedCall } from '../observed-transport';
import { CallTelling, type CallTellingPorts } from './call-telling';
import { FigureTelling } from './figure-telling';

export interface TellingOptions extends CallTellingPorts {
  readonly breakers: HeldBreakers;
  readonly link: NatsLink;
  readonly instanceId: string;
}

const HOLDER_LENGTH_MAX = 100;

/**
 * What this process tells of its calls, and what it is told about them: breakers and how calls ended to
 * the health context, evidence to the other instances, settings and orders back. No call waits for it.
 */
export class Telling {
  private readonly calls: CallTelling;
  private readonly figures: FigureTelling;
  private readonly parts: readonly { start(): void; stop(): Promise<void> }[];

  constructor({ breakers, link, instanceId, ...ports }: TellingOptions) {
    const { onDefect } = ports;
    // A process that starts again under the same instance id is another holder of breakers.
    const holder = `${ownName(breakers.source, instanceId)}:${randomUUID().slice(0, 8)}`;
    this.calls = new CallTelling(ports, holder, breakers.source, link);
    this.figures = new FigureTelling(breakers.source, holder, link, ports);
    this.parts = [
      new BreakerObeying(breakers, link, onDefect),
      new BreakerSharing(breakers, holder, link, onDefect),
      new BreakerTelling(breakers, holder, link, onDefect),
      this.calls,
      this.figures,
    ];
  }

  start(): void {
    for (const part of this.parts) part.start();
  }

  /** Says goodbye, and takes no longer than the questions under way and one more. */
  async stop(): Promise<void> {
    await Promise.all(this.parts.map((part) => part.stop()));
  }

  /** A request has ended. */
  readonly ended: OnEndedCall = (call) => this.figures.ended(call);

  failed(instanceId: string, failure: unknown): void {
    this.calls.failed(instanceId, failure);
  }
}

/** `<service>.<anything>`, whatever the instance is called: only such a holder may tell of the service's breakers. */
export function ownName(service: string, instanceId: string): string {
  const lead = `${service}.`;
  const rest = instanceId.startsWith(lead) ? instanceId.slice(lead.length) : instanceId;
  return `${lead}${rest.replaceAll('.', '-')}`.slice(0, HOLDER_LENGTH_MAX);
}
