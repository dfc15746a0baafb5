import { querySubject, registryContract } from '@downbeat/contracts';
import { DirectoryFollower } from '@downbeat/discovery';
import type { MessageBus } from '@downbeat/message-bus';

const WITHIN_MS = 60_000;

/** A caller's snapshot, and what wakes up when something about a service becomes known in it. */
export class Watcher {
  private readonly waiting = new Set<() => void>();
  readonly follower: DirectoryFollower;

  constructor(bus: MessageBus) {
    const source = {
      ask: async (input: { readonly since: number }) => {
        const outcome = await bus.query(querySubject(registryContract.directory), { input });
        if (!outcome.ok) throw new Error(outcome.problem.message);
        return outcome.data as registryContract.DirectoryPage;
      },
      onPush: (listener: (push: unknown) => void) =>
        bus.onHint(registryContract.DIRECTORY_PUSH, listener),
    };
    const onReplaced = (): void => {
      for (const look of this.waiting) look();
    };
    this.follower = new DirectoryFollower(source, { onReplaced });
  }

  /** How many instances of a service take calls, as far as this caller knows. */
  offered(service: string): number {
    return this.follower.snapshot.serviceOf(service)?.targets.length ?? 0;
  }

  /** Settles in the turn in which it becomes true. @throws {Error} It did not within a minute. */
  async when(isTrue: () => boolean): Promise<void> {
    if (isTrue()) return;
    await new Promise<void>((resolve, reject) => {
      const end = (settle: () => void) => (): void => {
        clearTimeout(timer);
        this.waiting.delete(look);
        settle();
      };
      const look = (): void => {
        if (isTrue()) end(resolve)();
      };
      const timer = setTimeout(
        end(() => reject(new Error('the snapshot did not come to hold it'))),
        WITHIN_MS,
      );
      this.waiting.add(look);
    });
  }
}
