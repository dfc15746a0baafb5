import type { Position } from '@downbeat/eventsourcing';
import type { Projection, Row } from '../projection';
import type { Replayed } from './replay';

/** The tables of a projection as they were at one position. */
export interface PastState {
  readonly reached: Replayed;
  readonly rows: readonly ReadonlyMap<string, Row>[];
  readonly bytes: number;
}

const STATES_MAX = 8;
const BYTES_MAX = 24_000_000;

/** The last few rebuilt states, so that asking about the same past, or a later one, begins there. */
export class PastStates {
  private kept: { readonly of: string; readonly state: PastState }[] = [];

  /** The latest kept state that is not after `until`. */
  before(projection: Projection, until: Position): PastState | undefined {
    return this.kept
      .filter(({ of, state }) => of === keyOf(projection) && state.reached.position <= until)
      .map(({ state }) => state)
      .sort((a, b) => b.reached.position - a.reached.position)[0];
  }

  keep(projection: Projection, state: PastState): void {
    const of = keyOf(projection);
    const others = this.kept.filter(
      (other) => other.of !== of || other.state.reached.position !== state.reached.position,
    );
    this.kept = [{ of, state }, ...others].slice(0, STATES_MAX);
    while (this.kept.length > 1 && this.bytes() > BYTES_MAX) this.kept.pop();
  }

  private bytes(): number {
    return this.kept.reduce((sum, { state }) => sum + state.bytes, 0);
  }
}

const keyOf = ({ name, version }: Projection): string => `${name} ${version}`;
