import {
  EventStore,
  EventStoreOverloaded,
  type Append,
  type Appended,
} from '@downbeat/event-store';
import type { Instant, Message, Position, StreamName } from '@downbeat/eventsourcing';
import type { SimulatedProcess } from '../time/simulated-process';
import type { Route } from './network';
import { storeUnavailable, type World } from './world';

const PATIENCE_MS = 400;
const WAITING_MAX = 10_000;

/** The store as one process reaches it: over a network, and not always. */
export class SimulatedStore extends EventStore {
  readonly context = 'saga';
  /** Sent, and neither committed nor refused yet; those that went astray are nobody's. */
  private readonly underWay = new Set<() => void>();
  private onLanded: (() => void)[] = [];

  constructor(
    private readonly world: World,
    private readonly process: SimulatedProcess,
  ) {
    super();
  }

  async append(append: Append): Promise<Appended> {
    const { world, process } = this;
    if (world.weather.strikes('append-overloaded')) throw new EventStoreOverloaded(WAITING_MAX);
    const isAstray = world.weather.strikes('append-astray');
    const isLate = isAstray || world.weather.strikes('append-late');
    const route = this.route({
      ...(world.weather.strikes('append-lost') ? { reaches: false } : {}),
      ...(world.weather.strikes('append-unanswered') || isLate ? { answers: false } : {}),
      ...(isLate ? { thereMs: PATIENCE_MS + world.chance.between(0, isAstray ? 3_000 : 300) } : {}),
    });
    const landed = (): void => {
      if (!this.underWay.delete(landed) || this.underWay.size > 0) return;
      for (const tell of this.onLanded.splice(0)) tell();
    };
    if (route.reaches && !isAstray) this.underWay.add(landed);
    return world.network.ask(process, route, () => world.commit(process, append, isAstray), landed);
  }

  /** No run appends to several streams: no weather is made for it. */
  appendTogether(appends: readonly Append[]): Promise<readonly Appended[]> {
    return this.world.store.appendTogether(appends);
  }

  async load<Event extends Message>(stream: StreamName, after?: number) {
    const { world } = this;
    return world.network.ask(this.process, this.readRoute(), () => {
      world.reads(this.process, stream);
      return world.store.load<Event>(stream, after);
    });
  }

  async settled(): Promise<void> {
    const { world } = this;
    await world.network.ask(this.process, this.readRoute(), async () => {
      // The answer leaves when the last of them has landed; the patience of the asker is not over then.
    });
    if (this.underWay.size > 0)
      await new Promise<void>((resolve) =>
        this.onLanded.push(() => world.time.after(world.network.latency(), this.process, resolve)),
      );
  }

  read<Event extends Message>(after: Position, limit?: number) {
    return this.world.store.read<Event>(after, limit);
  }

  answerOf(commandId: string) {
    return this.world.store.answerOf(commandId);
  }

  lastReceipt(consumer: string, source: string) {
    return this.world.store.lastReceipt(consumer, source);
  }

  head() {
    return this.world.store.head();
  }

  positionAt(moment: Instant) {
    return this.world.store.positionAt(moment);
  }

  onAppended(): () => void {
    return () => undefined;
  }

  private readRoute(): Route {
    return this.route(this.world.weather.strikes('read-failed') ? { reaches: false } : {});
  }

  private route(differs: Partial<Route>): Route {
    return { ...this.world.routeToStore(this.process, PATIENCE_MS, storeUnavailable), ...differs };
  }
}
