import { epochMs } from '@downbeat/eventsourcing';
import type { ChildEffect, Effect, TellParentEffect } from '@downbeat/saga-domain';
import { Calls, type CallPorts, type Caller } from './calls';
import type { RunSurroundings } from './surroundings';
import { Timers } from './timers';

/** What effects need of the run. */
export interface EffectsOfRun extends Caller {
  readonly onTimer: (timerId: string) => void;
  readonly onEnded: () => void;
  readonly onChild: (effect: ChildEffect) => void;
  readonly onTellParent: (effect: TellParentEffect) => void;
}

/** What follows from a run's events: calls and timers. */
export class RunEffects {
  private readonly timers: Timers;
  private readonly calls: Calls;
  private isDraining = false;

  constructor(
    around: CallPorts & Pick<RunSurroundings, 'clock'>,
    private readonly run: EffectsOfRun,
  ) {
    this.timers = new Timers(around.clock, run.onTimer);
    this.calls = new Calls(around, run);
  }

  perform(effects: readonly Effect[]): void {
    if (this.isDraining) return; // Whoever takes the run over derives them from the log.
    for (const effect of effects) {
      switch (effect.effect) {
        case 'call':
          this.calls.make(effect);
          break;
        case 'run-child':
          this.run.onChild(effect);
          break;
        case 'tell-parent':
          this.run.onTellParent(effect);
          break;
        case 'set-timer':
          this.timers.set(effect.timer_id, epochMs(effect.due));
          break;
        case 'cancel-timer':
          this.timers.cancel(effect.timer_id);
          this.calls.giveUp(effect.timer_id);
          break;
        case 'paused':
          this.timers.clear();
          this.calls.giveUpHeld();
          break;
        case 'parked':
          this.timers.clear();
          break;
        case 'ended':
          this.timers.clear();
          this.run.onEnded();
          break;
      }
    }
  }

  /** In place of the timers set so far; calls under way go on, and are not made again. */
  performAnew(effects: readonly Effect[]): void {
    this.timers.clear();
    this.perform(effects);
  }

  clear(): void {
    this.timers.clear();
    this.calls.giveUpAll();
  }

  /** Begins nothing more; returns when the calls under way are answered and recorded. */
  async drain(): Promise<void> {
    this.isDraining = true;
    this.clear();
    await this.calls.drained();
  }
}
