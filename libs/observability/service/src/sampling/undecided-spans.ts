import { utf8Bytes } from '@downbeat/contracts';
import type { SpansOfResource, UndecidedTrace } from '@downbeat/observability-domain';

/** What is held of one trace. */
export interface HeldTrace {
  readonly trace_id: string;
  readonly sinceMs: number;
  /** As JSON: most of it is never looked at again. With how many spans each has. */
  readonly parts: Map<string, number>;
}

export interface HeldBounds {
  readonly spans: number;
  readonly bytes: number;
}

/** Above this share of a bound the oldest ones are due at once. */
const CROWDED = 0.75;

/** Spans of traces that nothing speaks for yet, in the order in which the traces came. */
export class UndecidedSpans {
  private readonly traces = new Map<string, HeldTrace>();
  private held: HeldBounds = { spans: 0, bytes: 0 };

  constructor(private readonly bounds: HeldBounds) {}

  get spans(): number {
    return this.held.spans;
  }

  get isCrowded(): boolean {
    return this.isBeyond(CROWDED);
  }

  /**
   * Holds what is not held already.
   *
   * @returns How many spans that is; undefined when there is no room, and nothing is held then.
   */
  hold(undecided: readonly UndecidedTrace[], nowMs: number): number | undefined {
    if (undecided.length > 0 && this.isBeyond(1)) return undefined;
    const before = this.held.spans;
    for (const { trace_id, resources } of undecided)
      for (const resource of resources)
        this.add(trace_id, nowMs, JSON.stringify(resource), resource.spans.length);
    return this.held.spans - before;
  }

  /** Takes the oldest traces of those that came before a moment; more of them while there is little room. */
  takeDue(beforeMs: number, tracesMax: number): readonly HeldTrace[] {
    const due: HeldTrace[] = [];
    for (const trace of this.traces.values()) {
      if (due.length >= tracesMax || (trace.sinceMs > beforeMs && !this.isCrowded)) break;
      this.traces.delete(trace.trace_id);
      due.push(trace);
      for (const [part, spans] of trace.parts) this.count(-spans, -utf8Bytes(part));
    }
    return due;
  }

  /** What could not be decided now. */
  putBack(taken: readonly HeldTrace[]): void {
    for (const { trace_id, sinceMs, parts } of taken)
      for (const [part, spans] of parts) this.add(trace_id, sinceMs, part, spans);
  }

  private add(trace_id: string, sinceMs: number, part: string, spans: number): void {
    const trace = this.traces.get(trace_id) ?? { trace_id, sinceMs, parts: new Map() };
    if (trace.parts.has(part)) return;
    trace.parts.set(part, spans);
    this.traces.set(trace_id, trace);
    this.count(spans, utf8Bytes(part));
  }

  private count(spans: number, bytes: number): void {
    this.held = { spans: this.held.spans + spans, bytes: this.held.bytes + bytes };
  }

  private isBeyond(share: number): boolean {
    const { spans, bytes } = this.held;
    return spans >= this.bounds.spans * share || bytes >= this.bounds.bytes * share;
  }
}

export const spansHeld = ({ parts }: HeldTrace): number =>
  [...parts.values()].reduce((sum, spans) => sum + spans, 0);

export const resourcesHeld = ({ parts }: HeldTrace): readonly SpansOfResource[] =>
  [...parts.keys()].map((part) => JSON.parse(part) as SpansOfResource);
