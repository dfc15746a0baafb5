import { DeadLetters, type DeadLetter } from '@downbeat/message-bus';
import { Counter, type Registry } from 'prom-client';

/** Their consumers have the names of services and topics in theirs. */
const SERVICES = 'services';

/** Counts what this process has given up on, by the consumer that could not handle it. */
export class DeadLetterMetrics {
  private readonly letters: Counter<'context' | 'consumer'>;

  constructor(registry: Registry) {
    this.letters = new Counter({
      registers: [registry],
      name: 'downbeat_dead_letters_total',
      help: 'Messages this process has given up on; 0 in a healthy suite',
      labelNames: ['context', 'consumer'],
    });
  }

  /** @returns The same dead letters, counted; those of users' services as one. */
  counted(context: string, letters: DeadLetters): DeadLetters {
    const own = `${context}-commands`;
    this.letters.inc({ context, consumer: own }, 0);
    return new CountedDeadLetters(letters, (consumer) =>
      this.letters.inc({ context, consumer: consumer === own ? own : SERVICES }),
    );
  }
}

class CountedDeadLetters extends DeadLetters {
  constructor(
    private readonly letters: DeadLetters,
    private readonly count: (consumer: string) => void,
  ) {
    super();
  }

  override async quarantine(letter: DeadLetter): Promise<void> {
    await this.letters.quarantine(letter);
    this.count(letter.consumer);
  }

  override resolve(id: string): Promise<void> {
    return this.letters.resolve(id);
  }
}
