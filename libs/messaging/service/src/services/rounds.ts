interface Round<Result> {
  readonly result: Promise<Result>;
  /** Undefined while it waits for the one before it. */
  next: Promise<Result> | undefined;
}

/**
 * Has those who ask for the same thing at the same time share an answer that was worked out after each of them
 * had asked: who comes while a round runs waits for the next one, together with all others who do.
 */
export class Rounds<Result> {
  private readonly running = new Map<string, Round<Result>>();

  share(key: string, work: () => Promise<Result>): Promise<Result> {
    const running = this.running.get(key);
    if (!running) return this.begin(key, work);
    const begin = (): Promise<Result> => this.begin(key, work);
    running.next ??= running.result.then(begin, begin);
    return running.next;
  }

  private begin(key: string, work: () => Promise<Result>): Promise<Result> {
    const round: Round<Result> = {
      next: undefined,
      result: work().finally(() => {
        if (round.next === undefined) this.running.delete(key);
      }),
    };
    this.running.set(key, round);
    return round.result;
  }
}
