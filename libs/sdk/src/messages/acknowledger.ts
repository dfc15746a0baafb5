import { NatsUnavailable, type NatsLink } from '../nats/nats-link';
import type { Arrival } from './arrival';
import type { Acknowledgements } from './settler';

const NANOS = 1_000_000;
const HELD_MAX = 10_000;

/**
 * Acknowledges messages of the life of the stream that they came from, and of no other: on a stream
 * made anew the same place is another message, which would be gone unhandled. While it is not known
 * which life is there, what is to be said waits.
 */
export class Acknowledger implements Acknowledgements {
  private current: string | undefined;
  private held: { readonly arrival: Arrival; readonly text: string }[] = [];

  constructor(private readonly link: Pick<NatsLink, 'publish'>) {}

  ack(arrival: Arrival): void {
    this.say(arrival, '+ACK');
  }

  term(arrival: Arrival): void {
    this.say(arrival, '+TERM');
  }

  /** Without a delay the server would give it out again at once. */
  nak(arrival: Arrival, delayMs: number): void {
    this.say(arrival, `-NAK {"delay":${Math.max(1, Math.round(delayMs)) * NANOS}}`);
  }

  /** It is still being worked on; no use saying so later. */
  working(arrival: Arrival): void {
    if (arrival.streamCreated === this.current) this.send(arrival, '+WPI');
  }

  /** The stream may be another one from now on. */
  doubt(): void {
    this.current = undefined;
  }

  /** It is known again which one is there. */
  know(streamCreated: string): void {
    this.current = streamCreated;
    const { held } = this;
    this.held = [];
    for (const { arrival, text } of held) this.say(arrival, text);
  }

  private say(arrival: Arrival, text: string): void {
    if (this.current === undefined) this.hold(arrival, text);
    else if (this.current === arrival.streamCreated && !this.send(arrival, text))
      this.hold(arrival, text);
  }

  /** What is dropped comes again. */
  private hold(arrival: Arrival, text: string): void {
    if (this.held.length < HELD_MAX) this.held.push({ arrival, text });
  }

  private send({ reply }: Arrival, text: string): boolean {
    try {
      this.link.publish(reply, text);
      return true;
    } catch (fault) {
      if (!(fault instanceof NatsUnavailable)) throw fault;
      return false;
    }
  }
}
