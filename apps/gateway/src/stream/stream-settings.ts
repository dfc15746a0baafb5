/** Bounds of the event stream; times in milliseconds. */
export class StreamSettings {
  constructor(
    readonly clientsMax = 200,
    /** Behind a proxy all clients have its address. */
    readonly clientsPerAddressMax = 50,
    readonly heartbeatMs = 15_000,
    /** A client that takes nothing for this long is let go; it can resume where it was. */
    readonly stalledMs = 10_000,
    /** How long the log is left alone when no hint comes. */
    readonly pollMs = 1_000,
    /** Newest events kept in memory, for all clients together. */
    readonly ringEventsMax = 2_000,
    readonly ringCharactersMax = 16_777_216,
    /** Events a client that lags behind the ring reads at a time. */
    readonly catchUpEventsMax = 100,
  ) {}
}
