import { appendFileSync, existsSync, mkdirSync, readFileSync, truncateSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Entry, Input, ParticipantName } from './participant';

/** One call as the participant saw it. The log of a participant is the truth about what it did. */
export interface CallRecord {
  readonly service: ParticipantName;
  /** From 1, without gaps, over restarts. */
  readonly seq: number;
  readonly at: string;
  /** Nanoseconds since the machine started: orders the calls of all participants of one machine. */
  readonly monotonic_ns: string;
  readonly operation: string;
  /** The `Idempotency-Key` of the call. */
  readonly key: string;
  readonly booking_id: string;
  /**
   * `applied`: had an effect. `nothing-to-do`: an undo of what never was, or a repetition under
   * another key. `refused`: a rule said no. `replayed`: the key was known, the first answer was
   * given again. `failed`: a planted fault, before any effect.
   */
  readonly outcome: 'applied' | 'nothing-to-do' | 'refused' | 'replayed' | 'failed';
  readonly status: number;
  readonly input: Input;
  readonly answer?: Readonly<Record<string, unknown>>;
  readonly entry?: Entry;
  /** The planted fault that this call met. */
  readonly fault?: string;
}

/** An append-only file of JSON lines; each record is in the file before its call is answered. */
export class CallLog {
  private constructor(
    private readonly file: string,
    private readonly kept: CallRecord[],
  ) {}

  /** Opens or begins the log. A last line that a crash cut short is dropped. */
  static open(file: string): CallLog {
    mkdirSync(dirname(file), { recursive: true });
    if (!existsSync(file)) return new CallLog(file, []);
    const bytes = readFileSync(file);
    const wholeBytes = bytes.lastIndexOf('\n') + 1;
    if (wholeBytes < bytes.length) truncateSync(file, wholeBytes);
    return new CallLog(file, parseCallLog(bytes.subarray(0, wholeBytes).toString('utf8')));
  }

  get records(): readonly CallRecord[] {
    return this.kept;
  }

  append(record: Omit<CallRecord, 'seq' | 'at' | 'monotonic_ns'>): CallRecord {
    const whole: CallRecord = {
      ...record,
      seq: this.kept.length + 1,
      at: new Date().toISOString(),
      monotonic_ns: process.hrtime.bigint().toString(),
    };
    appendFileSync(this.file, `${JSON.stringify(whole)}\n`);
    this.kept.push(whole);
    return whole;
  }
}

/** @throws {SyntaxError} A line is not JSON. */
export const parseCallLog = (text: string): CallRecord[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as CallRecord);

/** Where a participant keeps its log below the data directory. */
export const callLogFile = (dataDir: string, service: ParticipantName): string =>
  `${dataDir}/demo/${service}.jsonl`;
