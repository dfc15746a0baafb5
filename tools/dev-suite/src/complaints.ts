export type Complaint = 'warning' | 'error';

const COMPLAINTS: Readonly<Record<string, Complaint>> = {
  warn: 'warning',
  error: 'error',
  fatal: 'error',
};
const TEXT_LENGTH_MAX = 200;
/** Who has no name is let in under one that nats-server wants a readable password for; it is no secret. */
const EXPECTED = '[WRN] Plaintext passwords detected';

/** What a line of a process, PostgreSQL or nats-server log complains of, if it does. */
export function complaintOf(line: string): Complaint | undefined {
  if (line.startsWith('{')) return COMPLAINTS[/^\{"level":"(\w+)"/.exec(line)?.[1] ?? ''];
  if (/\b(PANIC|FATAL|ERROR):|\[(ERR|FTL)\]|^(\w*Error|Uncaught)\b/.test(line)) return 'error';
  if (line.includes(EXPECTED)) return undefined;
  return /\bWARNING:|\[WRN\]/.test(line) ? 'warning' : undefined;
}

/** Counts what one process's log complains of, so that a flood becomes one line now and then. */
export class Complaints {
  private errors = 0;
  private warnings = 0;
  private last = '';
  private lastLine = '';

  add(line: string): void {
    this.lastLine = line;
    const complaint = complaintOf(line);
    if (complaint === undefined) return;
    if (complaint === 'error') this.errors++;
    else this.warnings++;
    this.last = line;
  }

  /** What came since the last time it was asked: `2 errors, 1 warning, the last: ...`. */
  digest(): string | undefined {
    const counts = [counted(this.errors, 'error'), counted(this.warnings, 'warning')];
    if (this.errors + this.warnings === 0) return undefined;
    this.errors = this.warnings = 0;
    return `${counts.filter(Boolean).join(', ')}, the last: ${textOf(this.last)}`;
  }

  /** What a process that has ended may have ended of. */
  lastWords(): string {
    return textOf(this.last || this.lastLine) || 'it said nothing';
  }
}

const counted = (count: number, noun: string): string =>
  count === 0 ? '' : `${count} ${noun}${count === 1 ? '' : 's'}`;

function textOf(line: string): string {
  const msg = /"msg":("(?:[^"\\]|\\.)*")/.exec(line)?.[1];
  const text = msg === undefined ? line : (JSON.parse(msg) as string);
  return text.slice(0, TEXT_LENGTH_MAX);
}
