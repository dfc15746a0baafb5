/** What was sent is no ExportTraceServiceRequest. */
export class MalformedRequest extends Error {
  override readonly name = 'MalformedRequest';

  /** @param place Where in the request: `resourceSpans.0.scopeSpans.1`; empty for the whole. */
  constructor(place: string, what: string, options?: ErrorOptions) {
    super(`${place === '' ? 'the request' : place} ${what}`, options);
  }
}
