import { PRIORITY_WEIGHTS, WaitingLine, type Priority } from '@downbeat/resilience';

/**
 * A bounded line for each priority. Whose turn it is goes by weight: of fifteen turns that all want,
 * critical gets eight and low still one; a priority that is alone gets all of them. What comes again waits
 * in lines of its own: it has every other turn, and half of the places at most, so that what fails again
 * and again leaves places to what comes for the first time.
 */
export class Lanes<Item> {
  private readonly fresh = new WaitingLine<Item>(PRIORITY_WEIGHTS);
  private readonly again = new WaitingLine<Item>(PRIORITY_WEIGHTS);
  private readonly againMax: number;
  private busy = 0;
  private busyAgain = 0;
  private isTurnOfAgain = true;

  /**
   * @param runningMax Items under way at once.
   * @param waitingMax Items of each priority that wait here for their first turn; asked again each time.
   * @param comesAgain Always the same for one item.
   */
  constructor(
    private readonly runningMax: number,
    private readonly waitingMax: () => number,
    private readonly comesAgain: (item: Item) => boolean,
  ) {
    this.againMax = Math.max(1, Math.floor(runningMax / 2));
  }

  get running(): number {
    return this.busy;
  }

  get waiting(): number {
    return this.fresh.size + this.again.size;
  }

  /** How many more of a priority may come. */
  room(priority: Priority): number {
    return Math.max(0, this.waitingMax() - this.fresh.of(priority));
  }

  /** What came is taken, also when there was no room for it: it is here already. */
  add(item: Item, priority: Priority): void {
    (this.comesAgain(item) ? this.again : this.fresh).add(item, priority);
  }

  /** Whether something that comes again, and does not wait here, may have a place now. */
  get hasPlaceForAgain(): boolean {
    return this.busy < this.runningMax && this.busyAgain < this.againMax;
  }

  /** Takes a place for something that did not wait here; hand it back with {@link done}. */
  begin(item: Item): void {
    this.busy++;
    if (this.comesAgain(item)) this.busyAgain++;
  }

  /** Takes out whose turn it is, if a place is free; hand that back with {@link done}. */
  next(): Item | undefined {
    if (this.busy >= this.runningMax) return undefined;
    const mayAgain = this.again.size > 0 && this.hasPlaceForAgain;
    const isAgain = mayAgain && (this.isTurnOfAgain || this.fresh.size === 0);
    const item = (isAgain ? this.again : this.fresh).next();
    if (item === undefined) return undefined;
    if (mayAgain) this.isTurnOfAgain = !isAgain;
    this.begin(item);
    return item;
  }

  done(item: Item): void {
    this.busy--;
    if (this.comesAgain(item)) this.busyAgain--;
  }

  /** Takes out all that wait. */
  clear(): readonly Item[] {
    return [...emptied(this.fresh), ...emptied(this.again)];
  }
}

function emptied<Item>(line: WaitingLine<Item>): readonly Item[] {
  const all: Item[] = [];
  for (let item = line.next(); item !== undefined; item = line.next()) all.push(item);
  return all;
}
