import { RequestRefused } from './request-refused';

/** SDKs send 512 spans at once, collectors 8,192. */
const SPANS_MAX = 20_000;
/** Attributes, events, links and what is nested in values; in JSON keys and places in lists. */
const PARTS_MAX = 400_000;

/** How much of one request is read: a few bytes may say that there are a million spans. */
export class ReadBudget {
  private spans = 0;
  private parts = 0;

  get spent(): { readonly spans: number; readonly parts: number } {
    return { spans: this.spans, parts: this.parts };
  }

  /** Before they are read. @throws {RequestRefused} They are too many. */
  takeSpans(count: number): void {
    if (this.spans + count > SPANS_MAX) throw tooMuch(`${SPANS_MAX} spans`);
    this.spans += count;
  }

  /** Before they are read. @throws {RequestRefused} They are too many. */
  takeParts(count: number): void {
    if (this.parts + count > PARTS_MAX)
      throw tooMuch(`${PARTS_MAX} attributes, events, links and values together`);
    this.parts += count;
  }
}

const tooMuch = (what: string): RequestRefused =>
  new RequestRefused(413, `the request has more than ${what}: send fewer spans at once`);
