import { Injectable, Logger } from '@nestjs/common';

/** Places where a process may die, one line apart from the next; a drill kills it at each of them. */
export const CRASH_POINTS = [
  'start.before-append',
  'start.after-append',
  'call.before-sending',
  'call.after-answer',
  'transition.before-append',
  'transition.after-append',
  'undo.before-sending',
  'undo.after-answer',
  'end.before-append',
  'end.after-append',
  'take-over.after-claim',
] as const;
export type CrashPoint = (typeof CRASH_POINTS)[number];

export abstract class CrashPoints {
  abstract reached(point: CrashPoint): void;
}

/** What a process in production has: nothing happens anywhere. */
export class NoCrashPoints extends CrashPoints {
  reached(): void {
    // Nobody is drilling.
  }
}

/** Dies without a word when `point` has been reached `times` times. */
@Injectable()
export class KillAtPoint extends CrashPoints {
  private readonly logger = new Logger(KillAtPoint.name);
  private left: number;

  constructor(
    private readonly point: CrashPoint,
    times: number,
  ) {
    super();
    this.left = times;
  }

  /** @param setting `<point>:<times>`, as a drill puts it into the environment. */
  static parse(setting: string): KillAtPoint {
    const [point, times = '1'] = setting.split(':');
    const known = CRASH_POINTS.find((one) => one === point);
    if (!known || !/^[1-9]\d{0,6}$/.test(times))
      throw new RangeError(`${setting} must be one of ${CRASH_POINTS.join(', ')}, and a number`);
    return new KillAtPoint(known, Number(times));
  }

  reached(point: CrashPoint): void {
    if (point !== this.point || --this.left > 0) return;
    this.logger.warn({ point }, 'dying here, as the drill wants it');
    process.kill(process.pid, 'SIGKILL');
  }
}
