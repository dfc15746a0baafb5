import { epochMs, type Json, type RecordedEvent } from '@downbeat/eventsourcing';
import type { RunEvent } from '@downbeat/saga-domain';
import { Dues } from './dues';

type Recorded = RunEvent & Pick<RecordedEvent, 'commit_no'>;

/** What is wrong with a run's signals by its events alone: each is taken once, in order, by whom it is for. */
export function signalsAccountOf(events: readonly RunEvent[]): readonly string[] {
  const account = new SignalsAccount();
  for (const event of events as readonly Recorded[]) account.take(event);
  return account.wrongs;
}

interface Wait {
  readonly signal: string;
  readonly since: string;
}

class SignalsAccount {
  readonly wrongs: string[] = [];
  private readonly kept: { readonly signal: string; readonly payload: Json }[] = [];
  private readonly waits = new Map<string, Wait>();
  private readonly dues = new Dues();
  private isPaused = false;
  /** In the append that ends a pause. */
  private isResuming = false;
  private commitNo = 0;

  take(event: Recorded): void {
    this.look(event);
    this.dues.take(event);
    if (event.type === 'WorkflowPaused') this.isPaused = true;
    if (event.type === 'WorkflowResumed') [this.isPaused, this.isResuming] = [false, true];
    if (event.type === 'SignalAwaited') {
      const { step, signal, until, at: since } = event.data;
      this.waits.set(step, { signal, since });
      if (until !== undefined) this.dues.set(step, until, since);
    }
    if (event.type === 'SignalReceived') this.kept.push(event.data);
    if (event.type === 'SignalTaken') this.taken(event.data);
    if (event.type === 'SignalMissed') {
      const { step, at } = event.data;
      const until = this.dues.over(step);
      if (until === undefined || epochMs(at) < until)
        this.wrongs.push(`${step} waits no longer, and its time has not passed`);
      this.waits.delete(step);
    }
    if (event.type === 'WaitAbandoned' && event.data.timer_id.startsWith('signal:'))
      this.waits.delete(event.data.step);
  }

  /** What came in a pause is taken by the append that ends it, anything else by that which brings it. */
  private look({ commit_no }: Recorded): void {
    const isNew = commit_no !== this.commitNo;
    this.commitNo = commit_no;
    if (isNew) this.isResuming = false;
    if (!isNew || this.isPaused) return;
    const ripe = [...this.waits.values()].find(({ signal }) =>
      this.kept.some((one) => one.signal === signal),
    );
    if (ripe) this.wrongs.push(`${ripe.signal} is kept while somebody waits for it`);
  }

  private taken({
    step,
    signal,
    payload,
  }: Extract<RunEvent, { type: 'SignalTaken' }>['data']): void {
    const own = this.waits.get(step);
    if (own?.signal !== signal)
      this.wrongs.push(`${step} took ${signal}, and does not wait for it`);
    const others = [...this.waits].filter(
      ([other, wait]) => other !== step && wait.signal === signal && own !== undefined,
    );
    const longer = others.filter(([, { since }]) => own && since < own.since).length;
    const asLong = others.filter(([, { since }]) => since === own?.since).length;
    if (longer > 0 && !this.isResuming)
      this.wrongs.push(`${step} took ${signal}, for which another has waited longer`);
    // Of several that came in a pause the next is for whoever has waited next longest.
    const ranks = this.isResuming ? [longer, longer + asLong + 1] : [0, 1];
    const place = this.placesOf(signal)
      .slice(...ranks)
      .find((one) => JSON.stringify(this.kept[one]?.payload) === JSON.stringify(payload));
    if (place === undefined) this.wrongs.push(`${step} took ${signal}, which was not its turn`);
    else this.kept.splice(place, 1);
    this.waits.delete(step);
  }

  private placesOf(signal: string): readonly number[] {
    return this.kept.flatMap((one, place) => (one.signal === signal ? [place] : []));
  }
}
