import type { Mutation } from '../world/mutation';

/** A planted bug that the simulator must find. */
export interface Tooth {
  readonly name: string;
  /** What the engine does wrong. */
  readonly says: string;
  readonly mutation: Mutation;
  /** Of one that few seeds show: one that does, so that it need not be looked for. Others are, when it does not. */
  readonly shownBy?: number;
}
