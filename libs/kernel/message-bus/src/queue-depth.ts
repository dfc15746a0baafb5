/** How much waits in a queue. What is taken and not settled yet waits too. */
export interface QueueDepth {
  readonly messages: number;
  /** When the oldest was sent. Absent when nothing waits. */
  readonly oldestAt?: string;
}
