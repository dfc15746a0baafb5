const ranks = { news: 1, urgent: 2, stop: 3 } as const;

type Ring = keyof typeof ranks;

/** Wakes a loop that waits. A ring that came while nobody waited, or was too soft, is kept. */
export class Bell {
  private kept = 0;
  private wake: (() => void) | undefined;

  ring(ring: Ring): void {
    this.kept = Math.max(this.kept, ranks[ring]);
    this.wake?.();
  }

  /** At most `ms`; ended by a ring at least as loud as `loudness`. */
  async wait(loudness: Ring, ms: number): Promise<void> {
    const isRung = (): boolean => this.kept >= ranks[loudness];
    if (!isRung())
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.wake = () => {
          if (!isRung()) return;
          clearTimeout(timer);
          resolve();
        };
      });
    this.wake = undefined;
    if (isRung()) this.kept = 0;
  }
}
