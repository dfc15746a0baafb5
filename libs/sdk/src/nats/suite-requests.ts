import { hash } from 'node:crypto';
import {
  commandSubject,
  querySubject,
  querySubjectFor,
  type AnswerOf,
  type CommandContract,
  type QueryContract,
} from '@downbeat/contracts';
import { NatsUnanswered, NatsUnavailable, type NatsLink } from './nats-link';

type Link = Pick<NatsLink, 'request'>;

/** What the suite said of a command or a question. */
export type SuiteOutcome<Said> =
  | { readonly kind: 'said'; readonly position: number; readonly said: Said }
  /** It understood, and says no. `isPassing`: it may say yes later. */
  | {
      readonly kind: 'refused';
      readonly code: string;
      readonly message: string;
      readonly isPassing: boolean;
    }
  /** NATS or the suite is away; whether it was heard is not known. */
  | { readonly kind: 'unheard'; readonly reason: string };

/** What of a problem the suite says: RFC 9457 without its page. */
interface Problem {
  readonly code?: string;
  readonly message?: string;
  readonly kind?: string;
}
interface Wire {
  readonly ok?: boolean;
  readonly accepted?: boolean;
  readonly position?: number;
  readonly data?: unknown;
  readonly answer?: unknown;
  readonly problem?: Problem;
}

export interface AsOf {
  /** What a read model must have seen at least before it answers. */
  readonly min_position?: number | undefined;
  /** In whose name, of a question with `askedFor`. */
  readonly askedFor?: string;
}

/** Asks a read model. */
export async function askSuite<Contract extends QueryContract>(
  link: Link,
  query: Contract,
  input: object,
  timeoutMs: number,
  { askedFor, ...as }: AsOf = {},
): Promise<SuiteOutcome<AnswerOf<Contract>>> {
  const subject = askedFor === undefined ? querySubject(query) : querySubjectFor(query, askedFor);
  return request(link, subject, JSON.stringify({ input, ...as }), timeoutMs);
}

export interface CommandIds {
  /** Of what the command is about; the subject ends with it. */
  readonly subjectId: string;
  /** The same for every repetition: it takes effect once. */
  readonly commandId: string;
  readonly actor: string;
  /** W3C trace context to go on with. */
  readonly traceparent?: string;
}

/** Sends a command, and waits until its events are committed. */
export async function commandSuite(
  link: Link,
  command: CommandContract,
  { subjectId, commandId, actor, traceparent }: CommandIds,
  data: object,
  timeoutMs: number,
): Promise<SuiteOutcome<unknown>> {
  const subject = commandSubject(command, subjectId);
  const body = JSON.stringify(data);
  return request(link, subject, body, timeoutMs, {
    // JetStream drops a second one whatever else it is: an id is one command's only together with all of it.
    'Nats-Msg-Id': `${subject} ${commandId} ${hash('sha256', body, 'base64url')}`,
    'Downbeat-Message-Id': commandId,
    'Downbeat-Actor': actor,
    ...(traceparent !== undefined && { traceparent }),
  });
}

async function request<Said>(
  link: Link,
  subject: string,
  body: string,
  timeoutMs: number,
  headers: Readonly<Record<string, string>> = {},
): Promise<SuiteOutcome<Said>> {
  try {
    const reply = await link.request(subject, body, timeoutMs, headers);
    const { ok, accepted, position = 0, data, answer, problem } = JSON.parse(reply.body) as Wire;
    if (ok === true || accepted === true)
      return { kind: 'said', position, said: (data ?? answer) as Said };
    const { code, message = 'it does not say why', kind } = problem ?? {};
    if (code === undefined) return { kind: 'unheard', reason: 'it was answered something unknown' };
    const isPassing = kind === 'unavailable' || kind === 'internal';
    return { kind: 'refused', code, message, isPassing };
  } catch (fault) {
    // Somebody who is none of the suite answered; the parser's message would quote it.
    if (fault instanceof SyntaxError) return { kind: 'unheard', reason: `${subject}: no JSON` };
    const isUnheard = fault instanceof NatsUnavailable || fault instanceof NatsUnanswered;
    if (!isUnheard) throw fault;
    return { kind: 'unheard', reason: fault.message };
  }
}
