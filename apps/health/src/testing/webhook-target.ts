import { createHmac } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { HttpListener } from '@downbeat/test-bench';

export interface ToldAlert {
  readonly alert_id: string;
  readonly episode: number;
  readonly state: string;
  readonly rule_id: string;
  readonly subject: string;
  readonly links: Readonly<Record<string, string>>;
}

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly deliveryId: string;
  readonly kind: string;
  readonly alerts: readonly ToldAlert[];
}

/** Whoever wants to be told of alerts: keeps what comes, and answers as it is told. */
export class WebhookTarget {
  readonly received: Received[] = [];
  /** Called with each request, before it is answered with what this returns. */
  answer: (received: Received) => number | Promise<number> = () => 204;

  private listener: HttpListener | undefined;

  static async open(): Promise<WebhookTarget> {
    const target = new WebhookTarget();
    target.listener = await HttpListener.start((request, response) => {
      void target.take(request, response);
    });
    return target;
  }

  get url(): string {
    return this.listener?.url ?? '';
  }

  /** What was said of alerts of a rule: `billing 1 firing`. What came more than once under its id was said once. */
  said(ruleId: string, path?: string): readonly string[] {
    const byId = new Map(this.received.map((one) => [`${one.path} ${one.deliveryId}`, one]));
    return [...byId.values()]
      .filter((one) => path === undefined || one.path === path)
      .flatMap(({ alerts }) => alerts)
      .filter(({ rule_id }) => rule_id === ruleId)
      .map(({ subject, episode, state }) => `${subject} ${episode} ${state}`);
  }

  async close(): Promise<void> {
    await this.listener?.stop();
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const { kind, alerts } = JSON.parse(body) as Pick<Received, 'kind' | 'alerts'>;
    const received: Received = {
      path: request.url ?? '',
      headers: request.headers,
      body,
      deliveryId: String(request.headers['downbeat-delivery']),
      kind,
      alerts,
    };
    this.received.push(received);
    response.writeHead(await this.answer(received)).end();
  }
}

/** Whether it was signed by who has the secret. */
export function isSigned({ headers, body }: Received, secret: string): boolean {
  const signed = `${String(headers['downbeat-timestamp'])}.${body}`;
  const signature = createHmac('sha256', secret).update(signed).digest('hex');
  return headers['downbeat-signature'] === `sha256=${signature}`;
}
