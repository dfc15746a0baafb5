import type { Json } from '@downbeat/eventsourcing';
import type { CallEffect, CallResult, IncidentAction, Purpose } from '@downbeat/saga-domain';

/** Something a service did because it was asked to. */
export interface Deed {
  readonly key: string;
  readonly correlationId: string;
  readonly step: string;
  readonly purpose: Purpose;
  /** The order in which the deeds of all services took place. */
  readonly order: number;
}

/** What an engine was told about one call. */
export interface Told {
  readonly attempt: number;
  readonly result: CallResult;
}

/** One call of one process, when it was about to be sent. */
export interface Sent {
  readonly by: string;
  readonly attempt: number;
  readonly key: string;
}

/** What an operator said of an incident. */
export interface Resolution {
  readonly incident: string;
  readonly action: IncidentAction;
}

/**
 * What truly happened, written down where it happened, whatever the engine believes. By run, step
 * and purpose: not by the key, which is for the engine to get right.
 */
export class Books {
  readonly deeds = new Map<string, Deed[]>();
  readonly sent = new Map<string, Sent[]>();
  readonly told = new Map<string, Told[]>();
  /** Requests under a key that stood for another one. */
  readonly mixedUp: { readonly correlationId: string; readonly what: string }[] = [];
  /** By the command that said so. */
  readonly resolutions = new Map<string, Resolution>();
  private readonly signals = new Map<string, string[]>();
  /** Runs that were told more than may be kept. */
  readonly toldTooMuch = new Set<string>();
  private order = 0;

  send(correlationId: string, effect: CallEffect, by: string): void {
    add(this.sent, placeOf(correlationId, effect), {
      by,
      attempt: effect.attempt,
      key: effect.key,
    });
  }

  tell(correlationId: string, effect: CallEffect, result: CallResult): void {
    if (isTooMuch(result)) this.toldTooMuch.add(correlationId);
    add(this.told, placeOf(correlationId, effect), { attempt: effect.attempt, result });
  }

  did(correlationId: string, { key, step, purpose }: CallEffect): void {
    const deed = { key, correlationId, step, purpose, order: ++this.order };
    add(this.deeds, placeOf(correlationId, deed), deed);
  }

  anotherRequest(correlationId: string, { key, step, purpose }: CallEffect): void {
    this.mixedUp.push({ correlationId, what: `two requests to ${purpose} ${step} have ${key}` });
  }

  sendSignal(correlationId: string, signal: string, payload: Json): void {
    add(this.signals, correlationId, `${signal} ${JSON.stringify(payload)}`);
  }

  signalsTo(correlationId: string): readonly string[] {
    return this.signals.get(correlationId) ?? [];
  }

  /** Steps of a run that services have done something for. */
  stepsDoneFor(correlationId: string): readonly string[] {
    return [...this.deeds.values()].flatMap(([deed]) =>
      deed?.correlationId === correlationId && deed.purpose === 'step' ? [deed.step] : [],
    );
  }

  deedsOf(correlationId: string, step: string, purpose: Purpose): readonly Deed[] {
    return this.deeds.get(placeOf(correlationId, { step, purpose })) ?? [];
  }

  sentOf(correlationId: string, step: string, purpose: Purpose): readonly Sent[] {
    return this.sent.get(placeOf(correlationId, { step, purpose })) ?? [];
  }

  toldOf(correlationId: string, step: string, purpose: Purpose): readonly Told[] {
    return this.told.get(placeOf(correlationId, { step, purpose })) ?? [];
  }
}

/** An answer that may not be kept; the others that services give here are small. */
export const isTooMuch = (result: CallResult): boolean =>
  result.kind === 'oversized' ||
  (result.kind === 'ok' &&
    result.output !== null &&
    typeof result.output === 'object' &&
    'much' in result.output);

type Place = Pick<CallEffect, 'step' | 'purpose'>;

const placeOf = (correlationId: string, { step, purpose }: Place): string =>
  `${correlationId} ${purpose} ${step}`;

function add<Item>(lists: Map<string, Item[]>, place: string, item: Item): void {
  const list = lists.get(place);
  if (list) list.push(item);
  else lists.set(place, [item]);
}

/** What a service remembers under an idempotency key. */
export interface Remembered {
  readonly output: Json;
}
