import { WheelEntry } from './timer-wheel';

/** Something to be done at a time, unless it is removed before. */
export class Alarm extends WheelEntry {
  constructor(private readonly onDue: () => void) {
    super();
  }

  expire(): void {
    this.onDue();
  }
}
