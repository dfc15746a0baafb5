import type { Position } from '@downbeat/eventsourcing';
import type { LogHint, LogHints } from './hints';

interface Listener {
  readonly call: (position: Position) => void;
  /** The context whose events it waits for; every context's when absent. */
  readonly context: string | undefined;
  /** The newest position of this process's own that it was told of. */
  told: Position;
}

/**
 * Who wants to know that the log grew, in this process and through hints in others. They are told
 * after the commit: one that fails is reported and changes nothing about the append.
 */
export class LogListeners {
  readonly #listeners = new Set<Listener>();
  readonly #unsubscribe: (() => void) | undefined;

  constructor(
    private readonly report: (fault: Error) => void,
    private readonly hints?: LogHints,
  ) {
    this.#unsubscribe = hints?.subscribe((hint) => this.#tell(hint, false));
  }

  /** @param context Only what may be this context's. Returns the unsubscribe function. */
  add(call: (position: Position) => void, context?: string): () => void {
    const listener = { call, context, told: 0 };
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Something was appended here. */
  announce(hint: LogHint): void {
    this.#tell(hint, true);
    this.#guard(() => this.hints?.publish(hint));
  }

  /** Hears no more hints of others. */
  close(): void {
    this.#unsubscribe?.();
  }

  #tell({ position, contexts }: LogHint, isOwn: boolean): void {
    for (const listener of this.#listeners) {
      const { context, told } = listener;
      if (context !== undefined && contexts !== undefined && !contexts.includes(context)) continue;
      // The bus brings a process its own hints back. Positions come in the order of commits: who was
      // told of a later one will see what this one is about.
      if (position <= told) continue;
      if (isOwn) listener.told = position;
      this.#guard(() => listener.call(position));
    }
  }

  #guard(tell: () => void): void {
    try {
      tell();
    } catch (fault) {
      this.report(fault as Error);
    }
  }
}
