/** An attempt that went out, as the others of its call know it. */
export interface OutAttempt {
  /** Nobody waits for it any more. */
  abandon(): void;
}

/** What a call has tried; kept from the moment when there is more to know than its one attempt. */
export class CallHistory {
  /** The endpoints it was sent to. */
  readonly tried: string[] = [];
  private readonly out = new Set<OutAttempt>();
  private last: { readonly failure: unknown } | undefined;
  private mayHaveHappened = false;

  get attempts(): number {
    return this.tried.length;
  }

  get isOneOut(): boolean {
    return this.out.size > 0;
  }

  /** Whether an attempt that failed may have had its effect: a later one that had none does not change that. */
  get isUnknown(): boolean {
    return this.mayHaveHappened;
  }

  wentOut(attempt: OutAttempt, endpointId: string): void {
    this.out.add(attempt);
    this.tried.push(endpointId);
  }

  cameBack(attempt: OutAttempt): void {
    this.out.delete(attempt);
  }

  failed(failure: unknown, isUnknown: boolean): void {
    this.last = { failure };
    if (isUnknown) this.mayHaveHappened = true;
  }

  /** What is said of the call: a refusal only if it was never sent. */
  failureOr(refusal: unknown): unknown {
    return this.last ? this.last.failure : refusal;
  }

  abandonOthers(): void {
    const left = [...this.out];
    this.out.clear();
    for (const attempt of left) attempt.abandon();
  }
}
