/** Bounds of streamed views; times in milliseconds. */
export class ViewSettings {
  constructor(
    readonly clientsMax = 400,
    /** Behind a proxy all clients have its address. */
    readonly clientsPerAddressMax = 200,
    readonly heartbeatMs = 15_000,
    /** A client that does not take an answer for this long is let go; it can resume where it was. */
    readonly stalledMs = 10_000,
    /** When nothing is heard, a question is asked again this much later: what is no fact changes without a hint. */
    readonly lookMs = 5_000,
    /** After an answer that did not come. */
    readonly retryMs = 1_000,
    /** An answer that was asked for so shortly before serves a new client too. */
    readonly freshMs = 100,
    /** Questions under way to one context; the others wait. */
    readonly askingMax = 8,
    /** So long one waits for a place before it is put off. */
    readonly waitMs = 10_000,
  ) {}
}
