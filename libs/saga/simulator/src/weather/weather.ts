import { Chance } from '../chance';
import type { Coverage } from '../coverage';
import { FAULT_NAMES, FAULTS, type Fault } from './faults';

/** Share of the seeds that have a given kind of fault. */
const PRESENT = 0.45;

/**
 * What goes wrong under one seed: some kinds of faults, each more or less often, until it clears up.
 * Each kind draws from a sequence of its own, so that one can be left out, or a new one come, and
 * the others stay.
 *
 * @see Alex Groce et al., "Swarm Testing", ISSTA 2012: omitting kinds finds more than having all of them.
 */
export class Weather {
  isStormy = true;
  private readonly kinds = new Map<Fault, { readonly rate: number; readonly chance: Chance }>();

  constructor(
    seed: number,
    without: ReadonlySet<Fault>,
    private readonly coverage: Coverage,
    private readonly onStrike: (fault: Fault) => void,
  ) {
    for (const fault of FAULT_NAMES) {
      const chance = Chance.of(seed, fault);
      const isPresent = chance.isLucky(PRESENT);
      const rate = FAULTS[fault] * chance.between(0.4, 3);
      if (isPresent && !without.has(fault)) this.kinds.set(fault, { rate, chance });
    }
  }

  get present(): readonly Fault[] {
    return [...this.kinds.keys()];
  }

  /** Whether it happens here and now. */
  strikes(fault: Fault): boolean {
    if (!this.isStormy) return false;
    const kind = this.kinds.get(fault);
    if (!kind?.chance.isLucky(kind.rate)) return false;
    this.coverage.met('fault', fault);
    this.onStrike(fault);
    return true;
  }
}
