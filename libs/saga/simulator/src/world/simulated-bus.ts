import type { JsonObject } from '@downbeat/eventsourcing';
import { NoAnswer, type MessageBus, type QueryOutcome } from '@downbeat/message-bus';
import type { SimulatedProcess } from '../time/simulated-process';
import type { World } from './world';

type Hear = (payload: unknown) => void;
type Handle = (payload: unknown) => Promise<QueryOutcome>;

/** Questions of one replica to another. */
export class SimulatedBus {
  private readonly answering = new Map<string, { process: SimulatedProcess; handle: Handle }>();

  private readonly hearing = new Set<{ process: SimulatedProcess; hear: Hear }>();

  constructor(private readonly world: World) {}

  /** As much of a bus as an operator's command needs. */
  reachedFrom(process: SimulatedProcess): MessageBus {
    const answer = (subject: string, handle: Handle): void =>
      void this.answering.set(subject, { process, handle });
    const query = (subject: string, payload: JsonObject, { timeoutMs = 5_000 } = {}) =>
      this.query(process, subject, payload, timeoutMs);
    const onHint = (_: string, hear: Hear) => this.heardBy(process, hear);
    const hint = (_: string, payload: JsonObject): void => this.hint(payload);
    return { answer, query, onHint, hint } as unknown as MessageBus;
  }

  private heardBy(process: SimulatedProcess, hear: Hear): () => void {
    const hearing = { process, hear };
    this.hearing.add(hearing);
    return () => void this.hearing.delete(hearing);
  }

  /** Of one kind only: that a definition was paused or resumed. */
  private hint(payload: JsonObject): void {
    const { time, network, weather } = this.world;
    for (const { process, hear } of this.hearing)
      if (process.isAlive && !weather.strikes('hint-lost'))
        time.after(network.latency(), process, () => hear(payload));
  }

  private query(
    asker: SimulatedProcess,
    subject: string,
    payload: JsonObject,
    timeoutMs: number,
  ): Promise<QueryOutcome> {
    const { time, network, weather, options } = this.world;
    if ('data' in payload)
      options.coverage.met('case', 'a full replica had a run started elsewhere');
    else if (isWord(payload)) options.coverage.met('case', 'one replica asked another for a run');
    return new Promise((resolve, reject) => {
      const answering = this.answering.get(subject);
      const isAnybodyThere = answering?.process.isAlive === true;
      const patience = time.after(isAnybodyThere ? timeoutMs : network.latency(), asker, () =>
        reject(new NoAnswer(subject, isAnybodyThere ? 'timed-out' : 'nobody-answers')),
      );
      if (!answering || !isAnybodyThere || weather.strikes('word-lost')) return;
      time.after(network.latency(), answering.process, () => {
        const reply = (settle: () => void): void => {
          if (weather.strikes('word-unanswered')) return;
          time.after(network.latency(), asker, () => {
            patience.cancel();
            settle();
          });
        };
        answering.handle(JSON.parse(JSON.stringify(payload))).then(
          (outcome) => reply(() => resolve(outcome)),
          // The bus answers with a problem, and the asker tries again: as if nobody had answered.
          () => reply(() => reject(new NoAnswer(subject, 'not-an-outcome'))),
        );
      });
    });
  }
}

/** From one run to another, not from an operator. */
const isWord = (payload: JsonObject): boolean =>
  JSON.stringify(payload['cause']).includes('"saga-engine"');
