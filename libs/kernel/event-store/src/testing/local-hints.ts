import type { LogHint, LogHints } from '../read/hints';

/** Stands for the bus: what one process publishes, every subscriber hears, itself included. */
export class LocalHints implements LogHints {
  readonly published: LogHint[] = [];
  readonly listeners = new Set<(hint: LogHint) => void>();

  publish(hint: LogHint): void {
    this.published.push(hint);
    for (const listener of this.listeners) listener(hint);
  }

  subscribe(listener: (hint: LogHint) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
}
