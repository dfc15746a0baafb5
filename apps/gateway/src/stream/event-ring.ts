import type { LogEvent } from './log-page';

/** An event, and its text on the wire, made once for all clients. @see HTML standard, 9.2 Server-sent events */
export interface Frame {
  readonly event: LogEvent;
  readonly text: string;
}

export const frameOf = (event: LogEvent): Frame => ({
  event,
  text: `id: ${event.position}\ndata: ${JSON.stringify(event)}\n\n`,
});

/** The newest events without gaps, bounded by number and by size. */
export class EventRing {
  private frames: Frame[] = [];
  private characters = 0;

  constructor(
    private readonly eventsMax: number,
    private readonly charactersMax: number,
  ) {}

  push(frame: Frame): void {
    this.frames.push(frame);
    this.characters += frame.text.length;
    let dropped = 0;
    while (
      this.frames.length - dropped > this.eventsMax ||
      (this.characters > this.charactersMax && dropped < this.frames.length - 1)
    )
      this.characters -= this.frames[dropped++]?.text.length ?? 0;
    if (dropped > 0) this.frames = this.frames.slice(dropped);
  }

  clear(): void {
    this.frames = [];
    this.characters = 0;
  }

  /** The event behind `position`; `undefined` when it is no longer (or not yet) here. */
  after(position: number): Frame | undefined {
    const first = this.frames[0];
    return first && this.frames[position + 1 - first.event.position];
  }
}
