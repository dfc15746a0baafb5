import type { Chance } from '../chance';
import type { SimulatedProcess } from '../time/simulated-process';
import type { VirtualTime } from '../time/virtual-time';

/** What becomes of one question. */
export interface Route {
  readonly reaches: boolean;
  readonly answers: boolean;
  /** Until the question arrives; as a rule a few milliseconds. */
  readonly thereMs: number;
  readonly backMs: number;
  readonly timeoutMs: number;
  /** What the asker gets when its patience is over. */
  readonly onTimeout: () => Outcome<never>;
}

export type Outcome<Answer> = { readonly answer: Answer } | { readonly fault: unknown };

/** Questions of processes to what is outside of them, and the answers. */
export class Network {
  constructor(
    private readonly time: VirtualTime,
    private readonly chance: Chance,
  ) {}

  /** Never the same twice, so that what happens at once comes in any order. */
  latency(): number {
    const { chance } = this;
    return chance.isLucky(0.1) ? chance.between(3, 40) : chance.between(0.2, 3);
  }

  /**
   * @param serve Runs outside of all processes, when the question arrives. It must not wait for anything.
   * @returns Never, when the process dies meanwhile.
   */
  ask<Answer>(
    process: SimulatedProcess,
    route: Route,
    serve: () => Promise<Answer>,
    onArrived: () => void = () => undefined,
  ): Promise<Answer> {
    const { time } = this;
    return new Promise((resolve, reject) => {
      const settle = (outcome: Outcome<Answer>): void => {
        if ('answer' in outcome) resolve(outcome.answer);
        else reject(outcome.fault as Error);
      };
      const patience = time.after(route.timeoutMs, process, () => settle(route.onTimeout()));
      if (!route.reaches) return;
      const reply = (outcome: Outcome<Answer>): void => {
        onArrived();
        if (!route.answers) return;
        time.after(route.backMs, process, () => {
          patience.cancel();
          settle(outcome);
        });
      };
      time.after(route.thereMs, undefined, () => {
        serve().then(
          (answer) => reply({ answer }),
          (fault: unknown) => reply({ fault }),
        );
      });
    });
  }
}
