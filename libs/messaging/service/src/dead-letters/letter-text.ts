import { isUtf8 } from 'node:buffer';
import {
  checkUntrusted,
  contracts,
  idInSubject,
  messagingContract,
  parseUntrustedJson,
  validate,
  type CommandContract,
} from '@downbeat/contracts';
import { Rejection, type FieldError, type Json } from '@downbeat/eventsourcing';
import { diffOf, type TextDiff } from '@downbeat/messaging-domain';

/** What is sent to a consumer: what came, or what was written instead. */
export interface LetterText {
  readonly subject: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** What an operator wants to be different. */
export interface Wanted {
  readonly subject?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | undefined;
  readonly body_json?: Json | undefined;
}

/** How a text stands to the contract of its subject. */
export interface Checked {
  readonly schema: string;
  readonly faults: readonly FieldError[];
}

const HEADERS_MAX = 64;
const HEADER_NAME = /^[A-Za-z0-9-]+$/;
/** What the server and the suite write themselves: ids above all, by which repetitions are known. */
const OWN_HEADER = /^(nats-|downbeat-)/i;
/** NATS allows more; nobody in the suite sends to it. */
const SUBJECT = /^[A-Za-z0-9_@:%~=+-]+(\.[A-Za-z0-9_@:%~=+-]+)*$/;

/**
 * The text with what is wanted to be different.
 *
 * @returns A rejection that names the field when it could not be sent to the letter's consumer.
 */
export function rewritten(now: LetterText, wanted: Wanted): LetterText | Rejection {
  const { subject = now.subject, headers, body, body_json } = wanted;
  if (body !== undefined && body_json !== undefined)
    return invalid('body_json', 'and body are the same; give one of them');
  const unfit = whySubjectUnfit(now.subject, subject);
  if (unfit !== undefined) return invalid('subject', unfit);
  const wrong = headers && whyHeadersWrong(headers);
  if (wrong) return wrong;
  const text = body ?? (body_json === undefined ? undefined : JSON.stringify(body_json));
  const own = Object.entries(now.headers).filter(([name]) => OWN_HEADER.test(name));
  return {
    subject,
    headers: headers ? { ...headers, ...Object.fromEntries(own) } : now.headers,
    body: text === undefined ? now.body : Buffer.from(text, 'utf8'),
  };
}

/** It is sent to who gave up on it, which reads what its own context or topic gets. */
function whySubjectUnfit(before: string, after: string): string | undefined {
  if (before === after) return undefined;
  if (!SUBJECT.test(after)) return 'must be words of letters, digits and -, joined by dots';
  const [kind, owner, ...rest] = after.split('.');
  const [kindBefore, ownerBefore, ...restBefore] = before.split('.');
  if (kind !== kindBefore) return `must begin with ${kindBefore}., as it did`;
  if (kind === 'command') {
    if (owner !== ownerBefore) return `must begin with command.${ownerBefore}., as it did`;
    return rest.length < 2 ? `must be command.${owner}.<Name>.<id>` : undefined;
  }
  const { MESSAGE_PRIORITIES } = messagingContract;
  const isPriority = MESSAGE_PRIORITIES.some((one) => one === owner);
  if (!isPriority) return `must have one of ${MESSAGE_PRIORITIES.join(', ')} in second place`;
  return rest.join('.') === restBefore.join('.') ? undefined : 'must keep its topic';
}

function whyHeadersWrong(headers: Readonly<Record<string, string>>): Rejection | undefined {
  const entries = Object.entries(headers);
  if (entries.length > HEADERS_MAX) return invalid('headers', `must be ${HEADERS_MAX} at most`);
  for (const [name, value] of entries) {
    const field = `headers.${name.slice(0, 100)}`;
    if (!HEADER_NAME.test(name)) return invalid(field, 'must be a name of letters, digits and -');
    if (OWN_HEADER.test(name)) return invalid(field, 'is the server’s or the suite’s own to write');
    if (!/^[\x20-\x7e]*$/.test(value)) return invalid(field, 'must be one line of printable ASCII');
  }
  return undefined;
}

/** Of topics between services nothing is known here: their schemas are the services' own. */
export const UNKNOWN_SCHEMA = 'unknown';

/** What the consumer would say of it before it does anything. */
export function checked({ subject, body }: LetterText): Checked {
  const contract = contractOf(subject);
  if (subject.split('.')[0] !== 'command') return { schema: UNKNOWN_SCHEMA, faults: [] };
  if (!contract) {
    const fault = { field: 'subject', message: `names no command of ${subject.split('.')[1]}` };
    return { schema: UNKNOWN_SCHEMA, faults: [fault] };
  }
  return { schema: contract.name, faults: faultsOf(subject, body, contract) };
}

function faultsOf(
  subject: string,
  body: Uint8Array,
  contract: CommandContract,
): readonly FieldError[] {
  if (!isUtf8(body)) return [{ field: 'body', message: 'is not UTF-8' }];
  const parsed = parseUntrustedJson(Buffer.from(body).toString('utf8'), contract.keysMax);
  if (parsed instanceof Rejection) return errorsOf(parsed);
  const { value } = parsed;
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    return [{ field: 'body', message: 'must be a JSON object' }];
  const { command_id: _, ...data } = value as Readonly<Record<string, Json>>;
  const unsafe = checkUntrusted(data, contract.keysMax);
  if (unsafe) return errorsOf(unsafe);
  const { id } = idInSubject(subject.split('.').slice(3));
  const given = data[contract.idField];
  if (given !== undefined && given !== id)
    return [{ field: contract.idField, message: `must be ${id}, as in the subject` }];
  const valid = validate(contract.data, { ...data, [contract.idField]: id });
  return valid instanceof Rejection ? errorsOf(valid) : [];
}

/** What is wrong with all of it is wrong with the body. */
const errorsOf = ({ errors, message }: Rejection): readonly FieldError[] =>
  errors.length > 0
    ? errors.map((error) => ({ ...error, field: error.field || 'body' }))
    : [{ field: 'body', message }];

function contractOf(subject: string): CommandContract | undefined {
  const [kind, context = '', name] = subject.split('.');
  if (kind !== 'command' || !Object.hasOwn(contracts, context)) return undefined;
  const { commands } = contracts[context as keyof typeof contracts];
  return commands.find((one) => one.name === name);
}

/** What differs between two texts, below `/subject`, `/headers` and `/body`. */
export const textDiff = (before: LetterText, after: LetterText): TextDiff =>
  diffOf(comparable(before), comparable(after));

const comparable = ({ subject, headers, body }: LetterText): Json => ({
  subject,
  headers: { ...headers },
  body: bodyOf(body),
});

function bodyOf(bytes: Uint8Array): Json {
  if (!isUtf8(bytes)) return Buffer.from(bytes).toString('base64');
  const text = Buffer.from(bytes).toString('utf8');
  const parsed = parseUntrustedJson(text);
  return parsed instanceof Rejection ? text : parsed.value;
}

const invalid = (field: string, message: string): Rejection =>
  new Rejection('invalid-input', `${field} ${message}`, 'invalid', [{ field, message }]);
