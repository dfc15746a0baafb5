import type { Json } from '@downbeat/eventsourcing';
import type { RunEvent } from '@downbeat/saga-domain';

/** What is wrong with a run's signals by its events alone: each is taken once, in order, by whom it is for. */
export function signalsAccountOf(events: readonly RunEvent[]): readonly string[] {
  const account = new SignalsAccount();
  for (const event of events) account.take(event);
  return account.wrongs;
}

interface Wait {
  readonly signal: string;
  readonly since: string;
  readonly until: string | undefined;
}

class SignalsAccount {
  readonly wrongs: string[] = [];
  private readonly kept: { readonly signal: string; readonly payload: Json }[] = [];
  private readonly waits = new Map<string, Wait>();

  take(event: RunEvent): void {
    const ripe = [...this.waits.values()].find(({ signal }) =>
      this.kept.some((one) => one.signal === signal),
    );
    if (ripe && event.type !== 'SignalTaken')
      this.wrongs.push(`${ripe.signal} is kept while somebody waits for it`);
    if (event.type === 'SignalAwaited') {
      const { step, signal, until, at: since } = event.data;
      this.waits.set(step, { signal, since, until });
    }
    if (event.type === 'SignalReceived') this.kept.push(event.data);
    if (event.type === 'SignalTaken') this.taken(event.data);
    if (event.type === 'SignalMissed') {
      const { step, at } = event.data;
      const until = this.waits.get(step)?.until;
      if (until === undefined || at < until)
        this.wrongs.push(`${step} waits no longer, and its time has not passed`);
      this.waits.delete(step);
    }
    if (event.type === 'WaitAbandoned' && event.data.timer_id.startsWith('signal:'))
      this.waits.delete(event.data.step);
  }

  private taken({
    step,
    signal,
    payload,
  }: Extract<RunEvent, { type: 'SignalTaken' }>['data']): void {
    const oldest = this.kept.findIndex((one) => one.signal === signal);
    const [found] = oldest < 0 ? [] : this.kept.splice(oldest, 1);
    if (JSON.stringify(found?.payload) !== JSON.stringify(payload))
      this.wrongs.push(`${step} took ${signal}, which was not its turn`);
    const own = this.waits.get(step);
    if (own?.signal !== signal)
      this.wrongs.push(`${step} took ${signal}, and does not wait for it`);
    for (const [other, wait] of this.waits)
      if (own && wait.signal === signal && wait.since < own.since)
        this.wrongs.push(`${step} took ${signal}, for which ${other} has waited longer`);
    this.waits.delete(step);
  }
}
