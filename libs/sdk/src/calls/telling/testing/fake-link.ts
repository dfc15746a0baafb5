import {
  NatsUnanswered,
  NatsUnavailable,
  type NatsLink,
  type NatsMessage,
} from '../../../nats/nats-link';

interface Asked {
  readonly subject: string;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
}

/** A NATS of its own, in memory: links of it hear one another; requests are answered by `answer`. */
export class FakeNats {
  isAway = false;
  /** Requests get there, and are never answered. */
  isFrozen = false;
  readonly asked: Asked[] = [];
  readonly published: string[] = [];
  /** Undefined: nobody answers. */
  answer: (asked: Asked) => object | undefined = () => undefined;
  private readonly listeners: { readonly subject: string; hear(message: NatsMessage): void }[] = [];
  private readonly connected = new Set<() => void>();
  private current = { server_id: 'FAKE', client_id: 1 };

  link(): NatsLink {
    const link: Pick<NatsLink, 'subscribe' | 'publish' | 'request' | 'onConnected' | 'session'> = {
      session: () => (this.isAway ? undefined : this.current),
      subscribe: (subject, hear) => {
        const listener = { subject, hear };
        this.listeners.push(listener);
        return () => void this.listeners.splice(this.listeners.indexOf(listener), 1);
      },
      publish: (subject, body) => this.publish(subject, body),
      request: (subject, body, timeoutMs, headers = {}) => {
        if (this.isAway) return Promise.reject(new NatsUnavailable('away'));
        const asked = { subject, body: JSON.parse(body) as unknown, headers };
        this.asked.push(asked);
        if (this.isFrozen)
          return new Promise((_, reject) =>
            setTimeout(() => reject(new NatsUnanswered('timed-out')), timeoutMs),
          );
        const answer = this.answer(asked);
        return answer === undefined
          ? Promise.reject(new NatsUnanswered('timed-out'))
          : Promise.resolve({ body: JSON.stringify(answer), headers: {} });
      },
      onConnected: (listener) => {
        this.connected.add(listener);
        return () => this.connected.delete(listener);
      },
    };
    return link as NatsLink;
  }

  publish(subject: string, body: string): void {
    if (this.isAway) throw new NatsUnavailable('away');
    this.published.push(body);
    for (const each of [...this.listeners])
      if (each.subject === subject) each.hear({ body, headers: {} });
  }

  /** The connection is there again. */
  reconnect(): void {
    this.isAway = false;
    this.current = { ...this.current, client_id: this.current.client_id + 1 };
    for (const listener of this.connected) listener();
  }
}
