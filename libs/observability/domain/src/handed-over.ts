/** What an exporter hands over, as OTLP has it; nothing of it has been looked at. */
export interface HandedSpan {
  /** Hexadecimal, of any length; empty when absent. */
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  /** 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  /** Since 1970. */
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: readonly HandedAttribute[];
  readonly events: readonly {
    readonly timeNs: bigint;
    readonly name: string;
    readonly attributes: readonly HandedAttribute[];
  }[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  /** 0 unset, 1 ok, 2 error. */
  readonly statusCode: number;
  readonly statusMessage: string;
}

/** Values that are no text are written as JSON. */
export type HandedAttribute = readonly [name: string, value: string];

export interface HandedResource {
  readonly attributes: readonly HandedAttribute[];
  readonly spans: readonly HandedSpan[];
}
