import {
  fold,
  Rejection,
  type Command,
  type Decider,
  type Decision,
  type EventMeta,
  type Message,
  type Recorded,
  type StreamName,
  type StreamVersion,
} from '@downbeat/eventsourcing';
import { StreamVersionConflict } from './errors';
import type { Append, Appended, EventStore } from './event-store';
import type { Snapshot } from './execute';

const ATTEMPTS_MAX = 3;

/** A command for one stream and the decider that takes it, whatever their types are. */
export interface Intent {
  readonly stream: StreamName;
  readonly meta: EventMeta;
  /** How much of the stream is known already; 0 when absent. */
  readonly after?: StreamVersion;
  /** @param past All of the stream that follows. Called in the order of the intents. */
  readonly decide: (past: readonly Recorded<Message>[]) => Decision<Message>;
}

export const intent = <State, C extends Command, Event extends Message>(
  decider: Decider<State, C, Event>,
  stream: StreamName,
  command: C,
  meta: EventMeta,
  from?: Snapshot<State>,
): Intent => ({
  stream,
  meta,
  ...(from && { after: from.version }),
  decide: (past) =>
    decider.decide(
      command,
      fold(decider, past as readonly Message[] as readonly Event[], from?.state),
    ),
});

/** An append without events, which holds what is remembered with those of others. */
export type Remembered = Pick<Append, 'stream' | 'meta' | 'command' | 'receipt'>;

/**
 * Load, decide, append, for commands to several streams at once: what is decided on all of them is
 * appended by one transaction, together with what is remembered of it. An intent that is refused
 * appends nothing, and the others do. Decides again on fresh state if another writer got in between,
 * three times at most.
 *
 * What was decided to be nothing, or refused, is not checked against its stream's version, as
 * {@link execute} checks it when something is remembered of it. The outcome is serialisable all the
 * same, as of commands that were carried out one after another: each intent is decided on its own
 * stream alone, so one without events stands where its stream was loaded, before whoever wrote to
 * that stream since, and nothing that is appended depends on it. `remember` may depend on several:
 * what it answers is what was decided, and not how those streams stand at the commit.
 *
 * @param intents Each for another stream, 511 at most.
 * @param remember What is remembered, from the decisions in the order of the intents; its stream holds
 *                 no events. A rejection: nothing is appended at all.
 * @throws {StreamVersionConflict} Three times another writer was first.
 * @throws What {@link EventStore.appendTogether} throws.
 */
export async function executeTogether(
  store: EventStore,
  intents: readonly Intent[],
  remember: (decisions: readonly Decision<Message>[]) => Remembered | Rejection,
): Promise<Rejection | Appended> {
  for (let attempt = 1; ; attempt++) {
    const pasts = await Promise.all(intents.map(({ stream, after }) => store.load(stream, after)));
    const decisions = intents.map(({ decide }, index) => decide(pasts[index] ?? []));
    const remembered = remember(decisions);
    if (remembered instanceof Rejection) return remembered;

    const appends = intents.flatMap(({ stream, meta, after = 0 }, index): readonly Append[] => {
      const events = decisions[index];
      if (events === undefined || events instanceof Rejection || events.length === 0) return [];
      return [{ stream, meta, events, expected: after + (pasts[index]?.length ?? 0) }];
    });
    try {
      return await appendAll(store, [...appends, { ...remembered, events: [], expected: 0 }]);
    } catch (fault) {
      if (!(fault instanceof StreamVersionConflict) || attempt === ATTEMPTS_MAX) throw fault;
    }
  }
}

/** @returns What became of the last one. */
async function appendAll(store: EventStore, appends: readonly Append[]): Promise<Appended> {
  const appended = (await store.appendTogether(appends)).at(-1);
  if (!appended) throw new RangeError('each append has an outcome');
  return appended;
}
