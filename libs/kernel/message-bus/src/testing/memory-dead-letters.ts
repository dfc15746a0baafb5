import { DeadLetters, type DeadLetter } from '../dead-letters';

/** Dead letters in memory, for tests. */
export class MemoryDeadLetters extends DeadLetters {
  private readonly byId = new Map<string, DeadLetter>();
  readonly resolved: string[] = [];

  /** In the order of their first quarantine, resolved ones too. */
  get letters(): readonly DeadLetter[] {
    return [...this.byId.values()];
  }

  override quarantine(letter: DeadLetter): Promise<void> {
    const before = this.byId.get(letter.id)?.attempts ?? 0;
    const redriven = letter.headers['Downbeat-Dead-Letter'] === letter.id;
    this.byId.set(letter.id, { ...letter, attempts: letter.attempts + (redriven ? before : 0) });
    return Promise.resolve();
  }

  override resolve(id: string): Promise<void> {
    this.resolved.push(id);
    return Promise.resolve();
  }
}
