import { BreakerFollower, type HeldBreakers } from '@downbeat/breakers';
import { healthContract, validate } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import type { NatsLink, NatsMessage } from '../../nats/nats-link';
import { askSuite } from '../../nats/suite-requests';
import { Turns } from '../../turns';

const { ANY_SERVICE, BREAKER_HINT, breakerPolicies } = healthContract;

/** Hints get lost. Thousands of instances ask so often. */
const ASK_EVERY_MS = 30_000;
const ASK_JITTER_MS = 10_000;
/** Longer and longer while nobody answers, so that not all ask at once when somebody does. */
const ASK_AGAIN_MS = 1_000;
const ASK_TIMEOUT_MS = 2_000;
/** So that those who heard the same hint do not ask in the same moment. */
const HINT_JITTER_MS = 100;
/** The same of all services, or of all whose connection is there again: they are many more. */
const HINT_TO_ALL_JITTER_MS = 2_000;
const CONNECTED_JITTER_MS = 5_000;

/** So many questions ask for what was hinted at: it may never be there, if the log was put back. */
const ASKS_AFTER_HINT = 5;

interface Hint {
  readonly position?: unknown;
  readonly service_name?: unknown;
}

/** Has the breakers of this process do what people say of them: settings, and orders. */
export class BreakerObeying {
  private readonly follower: BreakerFollower;
  private readonly turns: Turns;
  private readonly forget: (() => void)[];
  private minPosition = 0;
  private asksLeft = 0;
  private failures = 0;

  constructor(
    private readonly breakers: HeldBreakers,
    private readonly link: NatsLink,
    onDefect: (defect: unknown) => void,
  ) {
    this.follower = new BreakerFollower(breakers, onDefect);
    this.turns = new Turns(ASK_EVERY_MS, () => this.ask(), onDefect);
    this.forget = [
      link.subscribe(BREAKER_HINT, (message) => this.hinted(message)),
      link.onConnected(() => this.turns.hurry(CONNECTED_JITTER_MS * Math.random())),
    ];
  }

  start(): void {
    this.turns.start(0);
  }

  async stop(): Promise<void> {
    for (const each of this.forget) each();
    await this.turns.stop();
  }

  private hinted({ body }: NatsMessage): void {
    const { position, service_name: whose = ANY_SERVICE } = JSON.parse(body) as Hint;
    if (whose !== ANY_SERVICE && whose !== this.breakers.source) return;
    if (isPosition(position) && position > this.minPosition)
      [this.minPosition, this.asksLeft] = [position, ASKS_AFTER_HINT];
    const jitterMs = whose === ANY_SERVICE ? HINT_TO_ALL_JITTER_MS : HINT_JITTER_MS;
    this.turns.hurry(jitterMs * Math.random());
  }

  private async ask(): Promise<number> {
    if (this.asksLeft-- <= 0) this.minPosition = 0;
    const { minPosition } = this;
    const as = minPosition === 0 ? {} : { min_position: minPosition };
    const input = { service_name: this.breakers.source };
    const outcome = await askSuite(this.link, breakerPolicies, input, ASK_TIMEOUT_MS, as);
    if (outcome.kind !== 'said') return againMs(this.failures++);
    this.failures = 0;
    const policies = validate(breakerPolicies.answer, outcome.said);
    if (policies instanceof Rejection) throw new Error(policies.message);
    this.follower.take({ position: outcome.position, policies: policies.value });
    return ASK_EVERY_MS + ASK_JITTER_MS * Math.random();
  }
}

const againMs = (failures: number): number =>
  Math.min(ASK_EVERY_MS, ASK_AGAIN_MS * 2 ** failures) * (0.5 + Math.random() / 2);

const isPosition = (said: unknown): said is number => Number.isSafeInteger(said);
