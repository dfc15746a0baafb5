import type { Logger } from 'pino';
import { isTurnedOn } from './debug-names';

/** Says what is done, one line for each; facts first, then a few words. */
export type Tell = (facts: object, message: string) => void;

/**
 * What `DEBUG` turns on: lines of level debug that `LOG_LEVEL` does not keep back. Whoever asks for a
 * tell once keeps it; what is turned off costs a look at undefined.
 */
export class DebugLogs {
  constructor(
    private readonly logger: Logger,
    private readonly patterns: string,
  ) {}

  /** @param name One of `DEBUG_NAMES`; it stands in the line as its `context`. */
  of(name: string): Tell | undefined {
    const logger = this.loggerOf(name);
    return logger && ((facts, message) => logger.debug(facts, message));
  }

  /** The same for those that bring their own way of telling. */
  loggerOf(name: string): Logger | undefined {
    if (!isTurnedOn(this.patterns, name)) return undefined;
    return this.logger.child({ context: name }, { level: 'debug' });
  }
}
