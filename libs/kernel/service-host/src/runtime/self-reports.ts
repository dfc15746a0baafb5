import type { JsonObject } from '@downbeat/eventsourcing';
import type { MessageBus } from '@downbeat/message-bus';
import type { HostLifecycle, WatchedContext } from './host-lifecycle';
import { newId } from './new-id';
import { Periodic } from './periodic';

/** Where every process says how it is, over core NATS: what gets lost is said again. */
export const PROCESS_REPORT = 'hint.process.report';
const EVERY_MS = 5_000;

/** Says again and again how this process is; its silence says something too. */
export class SelfReports {
  /** This life of the process. */
  private readonly processId = newId();
  private readonly periodic = new Periodic('telling how the process is', EVERY_MS, () =>
    this.tell(),
  );

  constructor(
    private readonly name: string,
    private readonly bus: MessageBus,
    private readonly lifecycle: Pick<HostLifecycle, 'runtimes'>,
  ) {}

  start(): void {
    this.periodic.start({ atOnce: true });
  }

  async stop(): Promise<void> {
    await this.periodic.stop();
  }

  private async tell(): Promise<void> {
    if (this.bus.status() !== 'connected') return;
    const { metrics } = this.bus;
    this.bus.hint(PROCESS_REPORT, {
      name: this.name,
      process_id: this.processId,
      memory_bytes: process.memoryUsage.rss(),
      bus: {
        waiting: metrics.waiting,
        quarantined: metrics.quarantined,
        handler_timeouts: metrics.handlerTimeouts,
        disconnects: metrics.disconnects,
        server_gave_up: metrics.serverGaveUp,
      },
      contexts: this.lifecycle.runtimes.map(reportOf),
      queues: await this.queues(),
    });
  }

  /** Of the commands that this process takes; replicas say the same. */
  private async queues(): Promise<JsonObject[]> {
    const queues: JsonObject[] = [];
    for (const { context, takesCommands } of this.lifecycle.runtimes) {
      // Of another one it may not even ask.
      if (!takesCommands) continue;
      const depth = await this.bus.commandQueue(context);
      if (!depth) continue;
      const { messages, oldestAt } = depth;
      const oldest = oldestAt === undefined ? {} : { oldest_seconds: secondsSince(oldestAt) };
      queues.push({ name: `commands of ${context}`, messages, ...oldest });
    }
    return queues;
  }
}

const secondsSince = (at: string): number => Math.max(0, (Date.now() - Date.parse(at)) / 1_000);

function reportOf(runtime: WatchedContext): JsonObject {
  const { projections, relay } = runtime.status();
  return {
    context: runtime.context,
    projections: projections.map(({ name, lag, parked_streams }) => ({
      name,
      lag,
      parked_streams,
    })),
    ...(relay && {
      relay_finds: Object.values(relay.finds).reduce((sum, count) => sum + count, 0),
      ...(relay.unsent === undefined ? {} : { unsent: relay.unsent }),
    }),
  };
}
