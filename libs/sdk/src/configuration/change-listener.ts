import { ConfigurationRefusal } from './reason';

type OnChange<Value> = (
  next: Value,
  before: Value | undefined,
  signal: AbortSignal,
) => void | Promise<void>;

/** What `onChange` is asked, one question at a time, also when one takes too long. */
export class ChangeListener<Value> {
  /** Asked, and not over, nor is what follows from it. */
  private listening: Promise<void> = Promise.resolve();
  private mayBeElsewhere = false;

  /** @param current What is in use. */
  constructor(
    private readonly onChange: OnChange<Value> | undefined,
    private readonly current: () => { readonly value: Value } | undefined,
  ) {}

  /** Whether it failed or was late, and has not agreed to what is in use since. */
  get isAstray(): boolean {
    return this.mayBeElsewhere;
  }

  /**
   * @param late Aborted when nobody waits any more: who agrees after that is asked to go back.
   * @param ending Aborted when the service stops: from then on nothing is asked.
   * @throws What it throws, or that it is too late to ask.
   */
  async agreeTo(next: Value, late: AbortSignal, ending: AbortSignal): Promise<void> {
    await this.listening;
    if (late.aborted || ending.aborted) throw new ConfigurationRefusal('it came too late');
    this.mayBeElsewhere = true;
    const before = this.current()?.value;
    const signal = AbortSignal.any([late, ending]);
    const asked = (async () => this.onChange?.(next, before, signal))();
    this.listening = asked.then(
      () => (late.aborted && !ending.aborted ? this.goBack(next, ending) : undefined),
      () => undefined,
    );
    await asked;
    if (!late.aborted) this.mayBeElsewhere = false;
  }

  private async goBack(late: Value, ending: AbortSignal): Promise<void> {
    const current = this.current();
    if (!current) return;
    try {
      await this.onChange?.(current.value, late, ending);
      this.mayBeElsewhere = false;
    } catch {
      // It stays astray: what comes back is not taken for what runs here without asking again.
    }
  }
}
