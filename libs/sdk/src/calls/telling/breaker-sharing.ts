import type { HeldBreakers } from '@downbeat/breakers';
import { healthContract, validate } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import { NatsUnavailable, type NatsLink, type NatsMessage } from '../../nats/nats-link';
import { Turns } from '../../turns';

const { breakerEvidence, breakerEvidenceSubject, EVIDENCE_MAX } = healthContract;
type Evidence = healthContract.BreakerEvidence;

const TELL_EVERY_MS = 500;
const TELL_EVERY_MS_MAX = 10_000;
/** Everybody hears everybody: the more they are, the less often each of them tells. */
const TELL_EVERY_MS_PER_PEER = 10;
/** After a failure that was seen or heard of, good calls count too. */
const TALKING_MS = 10_000;
const PEERS_MAX = 10_000;
/** Whoever told nothing for three of the longest turns is gone, or has nothing to tell. */
const SILENT_MS = 3 * TELL_EVERY_MS_MAX;
const COUNT_MAX = 1_000_000;

/**
 * Shares what the instances of a service see of those they call, twice a second while something fails: each
 * decides for itself what that means. Without NATS each is alone; what it saw then is of no use later.
 */
export class BreakerSharing {
  private readonly subject: string;
  private readonly turns: Turns;
  private readonly forget: () => void;
  /** When each was heard of last. */
  private readonly peers = new Map<string, number>();
  private talkingUntilMs = -Infinity;

  constructor(
    private readonly breakers: HeldBreakers,
    private readonly holder: string,
    private readonly link: NatsLink,
    onDefect: (defect: unknown) => void,
  ) {
    this.subject = breakerEvidenceSubject(breakers.source);
    this.turns = new Turns(TELL_EVERY_MS, () => this.tell(), onDefect);
    this.forget = link.subscribe(this.subject, (message) => this.hear(message));
  }

  start(): void {
    this.turns.start();
  }

  async stop(): Promise<void> {
    this.forget();
    await this.turns.stop();
  }

  private tell(): Promise<number> {
    const all = [...this.breakers.breakers.tell()];
    if (all.some(({ failures, slow }) => failures + slow > 0)) this.talk();
    const isTalking = this.breakers.now() < this.talkingUntilMs;
    this.forgetSilent();
    const seen = (isTalking ? all : [])
      .sort((one, other) => other.failures - one.failures)
      .slice(0, EVIDENCE_MAX)
      .map(({ target, pattern, calls, failures, slow }) => ({
        target_service: target,
        endpoint_pattern: pattern,
        calls: Math.min(calls, COUNT_MAX),
        failures: Math.min(failures, COUNT_MAX),
        slow: Math.min(slow, COUNT_MAX),
      }));
    if (seen.length > 0) this.publish({ holder: this.holder, seen });
    const everyMs = Math.max(TELL_EVERY_MS, this.peers.size * TELL_EVERY_MS_PER_PEER);
    return Promise.resolve(Math.min(TELL_EVERY_MS_MAX, everyMs));
  }

  private forgetSilent(): void {
    const fromMs = this.breakers.now() - SILENT_MS;
    for (const [holder, heardAt] of this.peers) if (heardAt < fromMs) this.peers.delete(holder);
  }

  private talk(): void {
    this.talkingUntilMs = this.breakers.now() + TALKING_MS;
  }

  private publish(evidence: Evidence): void {
    try {
      this.link.publish(this.subject, JSON.stringify(evidence));
    } catch (fault) {
      if (!(fault instanceof NatsUnavailable)) throw fault;
    }
  }

  private hear({ body }: NatsMessage): void {
    const said = validate(breakerEvidence, JSON.parse(body));
    if (said instanceof Rejection || said.value.holder === this.holder) return;
    const { holder, seen } = said.value;
    if (seen.some(({ failures, slow }) => failures + slow > 0)) this.talk();
    const { source, breakers } = this.breakers;
    const now = this.breakers.now();
    if (this.peers.has(holder) || this.peers.size < PEERS_MAX) this.peers.set(holder, now);
    for (const { target_service: target, endpoint_pattern: pattern, ...counts } of seen)
      breakers.hear({ source, target, pattern, ...counts }, now);
  }
}
