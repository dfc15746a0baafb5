/** The time, as a port, so that whole runs can be simulated. */
export abstract class Clock {
  /** Milliseconds since 1970-01-01T00:00Z. */
  abstract now(): number;
}

export class SystemClock extends Clock {
  now(): number {
    return Date.now();
  }
}
