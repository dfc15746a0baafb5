import type { Mutation } from '../world/mutation';

/** A planted bug that the simulator must find. */
export interface Tooth {
  readonly name: string;
  /** What the engine does wrong. */
  readonly says: string;
  readonly mutation: Mutation;
  /** Of one that hundreds of seeds may not show: a seed that does, so that tests need not look for it. */
  readonly shownBy?: number;
}
