/**
 * What is left of the caller's time, in whole milliseconds, as a header of HTTP and NATS. A duration and
 * not a moment, because clocks differ; what the message takes on its way is not counted, as with gRPC.
 *
 * @see grpc-timeout in "gRPC over HTTP2".
 */
export const DEADLINE_HEADER = 'downbeat-time-left-ms';

/** Nobody waits longer than 11 days. */
const DIGITS = /^\d{1,9}$/;

/** Until when somebody waits for an answer, on this process's clock. Immutable. */
export class Deadline {
  static readonly never = new Deadline(Number.POSITIVE_INFINITY);

  private constructor(readonly atMs: number) {
    if (Number.isNaN(atMs)) throw new RangeError('a deadline is a moment, or never');
  }

  /** @throws {RangeError} It is not a number; Infinity: never. */
  static at(atMs: number): Deadline {
    return new Deadline(atMs);
  }

  /** @throws {RangeError} One of them is not a number. */
  static after(ms: number, nowMs: number): Deadline {
    return new Deadline(nowMs + ms);
  }

  /** @returns undefined when the header is absent or is no such number: it comes from strangers. */
  static read(header: string | undefined, nowMs: number): Deadline | undefined {
    if (header === undefined || !DIGITS.test(header)) return undefined;
    return Deadline.after(Number(header), nowMs);
  }

  /** 0 when it has passed. */
  leftMs(nowMs: number): number {
    return Math.max(0, this.atMs - nowMs);
  }

  suffices(neededMs: number, nowMs: number): boolean {
    const leftMs = this.leftMs(nowMs);
    return leftMs > 0 && leftMs >= neededMs;
  }

  earlier(other: Deadline): Deadline {
    return other.atMs < this.atMs ? other : this;
  }

  /** Rounded down, so that no hop gains time; undefined when there is none to tell. */
  headerText(nowMs: number): string | undefined {
    if (this.atMs === Number.POSITIVE_INFINITY) return undefined;
    return String(Math.min(999_999_999, Math.floor(this.leftMs(nowMs))));
  }
}
