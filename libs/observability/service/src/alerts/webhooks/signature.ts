import { createHmac } from 'node:crypto';

export const DELIVERY_HEADER = 'downbeat-delivery';
export const TIMESTAMP_HEADER = 'downbeat-timestamp';
export const SIGNATURE_HEADER = 'downbeat-signature';

/** HMAC-SHA256 over `<timestamp>.<body>`; whoever gets it refuses what is old. */
export const signatureOf = (secret: string, timestamp: string, body: string): string =>
  `sha256=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`;

/** @param atMs Of this attempt. The id is that of the delivery, whichever attempt it is. */
export function webhookHeaders(
  secret: string,
  deliveryId: string,
  body: string,
  atMs: number,
): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(atMs / 1_000));
  return {
    'content-type': 'application/json',
    'user-agent': 'downbeat-alerts',
    [DELIVERY_HEADER]: deliveryId,
    [TIMESTAMP_HEADER]: timestamp,
    [SIGNATURE_HEADER]: signatureOf(secret, timestamp, body),
  };
}
