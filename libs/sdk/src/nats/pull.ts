import { AskingAgain } from './asking-again';
import { NatsUnavailable, type NatsLink, type RawMessage } from './nats-link';

export interface PullOptions {
  readonly link: NatsLink;
  readonly stream: string;
  /** Durable; others of the service pull from it too. */
  readonly consumer: string | (() => string);
  /** How many more messages may come in now. */
  readonly room: () => number;
  readonly onMessage: (message: RawMessage) => void;
  /** Others wait on all places that the consumer has for it; told when that begins. Asks again by itself. */
  readonly onRefused: (delayMs: number) => void;
  /** The consumer is gone or the server silent. Nothing is pulled until `start` is called again. */
  readonly onTrouble: () => void;
}

const EXPIRES_MS = 30_000;
/** While nothing comes, the server says this often that it is there. */
const HEARTBEAT_MS = 5_000;
const SILENT_MS_MAX = 2.5 * HEARTBEAT_MS;
const NANOS = 1_000_000;
const SIGN_OF_LIFE = 100;
const EXPIRED = 408;
const NOT_NOW = 409;
/** The server's words beside a 409, which is also said of much else. */
const NO_PLACE = /exceeded maxwaiting/i;

/**
 * Asks a pull consumer for as many messages as there is room for, no more. A missing consumer is not
 * answered at all by nats-server 2.9: only its silence tells.
 */
export class Pull {
  /** Where messages and the server's own words come; chosen with the first connection. */
  private inbox = '';
  private forget: () => void = () => undefined;
  /** Messages the server was asked for and has not sent yet. */
  private asked = 0;
  /** Counts the starts: what requests of an earlier one end with is no news. */
  private turn = 0;
  private heardAt = 0;
  private isPulling = false;
  private readonly askingAgain = new AskingAgain(() => this.pull());

  constructor(private readonly options: PullOptions) {}

  /** Begins anew: requests made before are forgotten, though what they still bring is welcome. */
  start(): void {
    if (this.inbox === '') this.listen();
    this.turn++;
    this.asked = 0;
    this.askingAgain.stop();
    this.isPulling = true;
    this.pull();
  }

  /** Asks for more if there is room worth a request. */
  pull(): void {
    if (!this.isPulling || this.askingAgain.isDueLater) return;
    const room = this.options.room();
    const wanted = room - this.asked;
    if (wanted < 1 || (this.asked > 0 && wanted < room / 2)) return;
    if (this.asked === 0) this.heardAt = performance.now();
    this.asked += wanted;
    this.request(wanted);
  }

  /** Call it every few seconds. */
  checkSilence(): void {
    const silentMs = performance.now() - this.heardAt;
    if (this.isPulling && this.asked > 0 && silentMs > SILENT_MS_MAX) this.trouble();
  }

  pause(): void {
    this.isPulling = false;
    this.askingAgain.stop();
  }

  /** For good. */
  stop(): void {
    this.pause();
    this.forget();
  }

  private listen(): void {
    const { link } = this.options;
    this.inbox = link.newInbox();
    this.forget = link.hear(`${this.inbox}.*`, (message) => this.receive(message));
  }

  private request(batch: number): void {
    const { link, stream, consumer } = this.options;
    const request = {
      batch,
      expires: EXPIRES_MS * NANOS,
      idle_heartbeat: HEARTBEAT_MS * NANOS,
    };
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${typeof consumer === 'string' ? consumer : consumer()}`;
    try {
      link.publish(subject, JSON.stringify(request), {}, `${this.inbox}.${this.turn}-${batch}`);
    } catch (fault) {
      if (!(fault instanceof NatsUnavailable)) throw fault;
      // It is started again when there is a connection.
      this.pause();
    }
  }

  private receive(message: RawMessage): void {
    this.heardAt = performance.now();
    if (message.subject.startsWith(this.inbox)) return this.receiveStatus(message);
    this.askingAgain.granted();
    this.asked = Math.max(0, this.asked - 1);
    this.options.onMessage(message);
    this.pull();
  }

  private receiveStatus({ subject, status, description, headers }: RawMessage): void {
    const [turn, batch] = subject
      .slice(this.inbox.length + 1)
      .split('-')
      .map(Number);
    if (status === SIGN_OF_LIFE || turn !== this.turn) return;
    if (status === NOT_NOW && NO_PLACE.test(description)) return this.refused(batch ?? 0);
    if (status !== EXPIRED) return this.trouble();
    this.askingAgain.granted();
    this.asked = Math.max(0, this.asked - Number(headers['nats-pending-messages'] ?? 0));
    this.pull();
  }

  /** Others wait for what comes next; what a burst leaves over is asked for a few seconds later at most. */
  private refused(batch: number): void {
    this.asked = Math.max(0, this.asked - batch);
    const delayMs = this.isPulling ? this.askingAgain.refused() : undefined;
    if (delayMs !== undefined) this.options.onRefused(delayMs);
  }

  private trouble(): void {
    if (!this.isPulling) return;
    this.pause();
    this.options.onTrouble();
  }
}
