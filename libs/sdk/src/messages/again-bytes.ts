/** Of messages that came again and wait in this process, or are being handled. */
const AGAIN_BYTES_MAX = 32 * 2 ** 20;

/**
 * How much the topics of a process hold of what came again. When it is much, those that hold more than their
 * equal part of it take no more: so none keeps another from its messages, and together they hold twice as much at most,
 * beside what was asked for before.
 */
export class AgainBytes {
  private readonly topics = new Map<string, number>();
  private all = 0;

  join(topic: string): void {
    this.topics.set(topic, 0);
  }

  mayGrow(topic: string): boolean {
    return this.all < AGAIN_BYTES_MAX || this.of(topic) < AGAIN_BYTES_MAX / this.topics.size;
  }

  /** @param bytes Negative: they are held no more. */
  add(topic: string, bytes: number): void {
    this.all += bytes;
    this.topics.set(topic, this.of(topic) + bytes);
  }

  private of(topic: string): number {
    return this.topics.get(topic) ?? 0;
  }
}
