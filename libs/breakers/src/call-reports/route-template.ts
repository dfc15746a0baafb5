import { observabilityContract } from '@downbeat/contracts';

const { ENDPOINT_LENGTH_MAX } = observabilityContract;

const SEGMENTS_MAX = 12;
const ID = '{id}';
/** A number, a UUID, hexadecimal digits, or anything long with a digit in it. */
const IDS: readonly RegExp[] = [
  /^\d+$/,
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i,
  /^(?=.*\d)[0-9a-f]{6,}$/i,
  /^(?=.*\d).{12,}$/,
  /^[a-z]{1,16}[-_]?\d+$/i,
  /[@%:=]/,
];
/** Of an API: `v1` is no id. */
const VERSION = /^v\d{1,3}$/i;

/** A path without what stands for one thing alone: `/invoices/42?full` is `/invoices/{id}`. */
export function routeTemplate(path: string): string {
  const [plain = ''] = path.split(/[?#]/, 1);
  const segments = plain.split('/');
  const shown = segments.slice(0, SEGMENTS_MAX).map((one) => (isId(one) ? ID : one));
  const template = segments.length > SEGMENTS_MAX ? [...shown, '…'] : shown;
  return visible(template.join('/'));
}

/** The same of a NATS subject, without its scheme: `orders.4711.charge` is `orders.{id}.charge`. */
export const subjectTemplate = (subject: string): string =>
  visible(
    subject
      .split('.')
      .map((one) => (isId(one) ? ID : one))
      .join('.'),
  );

const isId = (segment: string): boolean =>
  !VERSION.test(segment) && IDS.some((id) => id.test(segment));

/** One word of visible characters, as reports have it. */
const visible = (text: string): string =>
  text
    .replace(/[\s\p{C}\p{Z}]+/gu, '_')
    .slice(0, ENDPOINT_LENGTH_MAX)
    .replace(/\p{Cs}$/u, '') || '/';
