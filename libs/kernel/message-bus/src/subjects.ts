import { InvalidSubject } from './errors';

/**
 * Logical names to names on the server and back. The prefix (`t7f3`) keeps suites and tests apart
 * that share a server; without one the names stay as they are.
 */
export class Subjects {
  private readonly lead: string;

  constructor(private readonly prefix: string) {
    if (!/^[A-Za-z0-9_-]*$/.test(prefix))
      throw new RangeError('a prefix has letters, digits, - and _ only');
    this.lead = prefix === '' ? '' : `${prefix}.`;
  }

  physical(subject: string): string {
    return this.lead + subject;
  }

  logical(subject: string): string {
    return subject.slice(this.lead.length);
  }

  /** A stream's or a consumer's name: no dots allowed there. */
  nameOf(name: string): string {
    return this.prefix === '' ? name : `${this.prefix}-${name}`;
  }
}

const SUBJECT_LENGTH_MAX = 512;

/** @throws {InvalidSubject} It has an empty part, a wildcard, a blank or a control character. */
export function assertSendable(subject: string): void {
  if (
    subject.length > SUBJECT_LENGTH_MAX ||
    !/^[^\s\p{Cc}.*>]+(\.[^\s\p{Cc}.*>]+)*$/u.test(subject)
  )
    throw new InvalidSubject(subject);
}

/** `registry` of `command.registry.RegisterService.billing` and of `command.registry.>`. */
export function contextOf(subject: string): string {
  const context = subject.split('.')[1];
  if (context === undefined || !/^[A-Za-z0-9_-]+$/.test(context)) throw new InvalidSubject(subject);
  return context;
}

/** Does `filter`, with `*` for one part and a last `>` for one or more, cover `subject`? */
export function covers(filter: string, subject: string): boolean {
  const parts = subject.split('.');
  const tokens = filter.split('.');
  return (
    tokens.every((token, at) =>
      token === '>' ? parts.length > at : token === '*' || token === parts[at],
    ) &&
    (tokens.at(-1) === '>' || tokens.length === parts.length)
  );
}
