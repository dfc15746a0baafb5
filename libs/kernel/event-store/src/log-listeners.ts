import type { Position } from '@downbeat/eventsourcing';
import type { LogHints } from './hints';

/**
 * Who wants to know that the log grew, in this process and through hints in others. They are told
 * after the commit: one that fails is reported and changes nothing about the append.
 */
export class LogListeners {
  readonly #listeners = new Set<(position: Position) => void>();
  readonly #unsubscribe: (() => void) | undefined;

  constructor(
    private readonly report: (fault: Error) => void,
    private readonly hints?: LogHints,
  ) {
    this.#unsubscribe = hints?.subscribe((position) => this.#tell(position));
  }

  /** Returns the unsubscribe function. */
  add(listener: (position: Position) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Something was appended here, up to `position`. */
  announce(position: Position): void {
    this.#tell(position);
    this.#guard(() => this.hints?.publish(position));
  }

  /** Hears no more hints of others. */
  close(): void {
    this.#unsubscribe?.();
  }

  #tell(position: Position): void {
    for (const listener of this.#listeners) this.#guard(() => listener(position));
  }

  #guard(tell: () => void): void {
    try {
      tell();
    } catch (fault) {
      this.report(fault as Error);
    }
  }
}
