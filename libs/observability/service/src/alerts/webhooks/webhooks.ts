import { Egress, EgressFault, EgressRefused } from '@downbeat/egress';
import { Rejection } from '@downbeat/eventsourcing';
import type { ReceiverSettings } from '@downbeat/observability-domain';
import { Clock, HostSettings } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { webhookHeaders } from './signature';
import { webhookSecret } from './webhook-secret';

const TIMEOUT_MS = 3_000;
const ANSWER_BYTES_MAX = 65_536;

/** What became of one attempt. */
export type Attempt =
  | { readonly isDelivered: true; readonly status: number }
  | {
      readonly isDelivered: false;
      readonly status?: number;
      readonly reason: string;
      /** No further attempt could end otherwise. */
      readonly isFinal: boolean;
    };

/** Sends signed webhooks through the egress guard. */
@Injectable()
export class Webhooks {
  constructor(
    private readonly egress: Egress,
    private readonly clock: Clock,
    private readonly settings: HostSettings,
  ) {}

  /** What is wrong with such a receiver, as far as it can be known without calling it. */
  async refusalOf({ url, secret }: ReceiverSettings): Promise<Rejection | undefined> {
    try {
      this.egress.check(url);
    } catch (fault) {
      if (!(fault instanceof EgressRefused)) throw fault;
      return refusedField('url', fault.reason);
    }
    const { ref } = secret.$secret;
    if ((await this.secretOf(ref)) !== undefined) return undefined;
    return refusedField('secret.$secret.ref', `names nothing the health process has: ${ref}`);
  }

  /** One attempt. Whatever happens is told; nothing is thrown but what is wrong with this code. */
  async send(
    { url, secret: { $secret } }: ReceiverSettings,
    deliveryId: string,
    body: string,
  ): Promise<Attempt> {
    const secret = await this.secretOf($secret.ref);
    if (secret === undefined)
      return { isDelivered: false, reason: `there is no secret ${$secret.ref}`, isFinal: false };
    const headers = webhookHeaders(secret, deliveryId, body, this.clock.now());
    try {
      const { status } = await this.egress.request({
        url,
        method: 'POST',
        headers,
        body,
        timeoutMs: TIMEOUT_MS,
        bytesMax: ANSWER_BYTES_MAX,
      });
      return answered(status);
    } catch (fault) {
      if (!(fault instanceof EgressFault)) throw fault;
      const isFinal = fault instanceof EgressRefused;
      return { isDelivered: false, reason: fault.message, isFinal };
    }
  }

  private secretOf(ref: string): Promise<string | undefined> {
    return webhookSecret(ref, this.settings.environment);
  }
}

function answered(status: number): Attempt {
  if (status >= 200 && status < 300) return { isDelivered: true, status };
  const more = status >= 300 && status < 400 ? ': redirects are not followed' : '';
  return { isDelivered: false, status, reason: `HTTP ${status}${more}`, isFinal: false };
}

const refusedField = (field: string, message: string): Rejection =>
  new Rejection('invalid-input', `${field} ${message}`, 'invalid', [{ field, message }]);
