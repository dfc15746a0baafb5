import { contracts } from '@downbeat/contracts';
import type { QueryOutcome } from '@downbeat/message-bus';
import type { Registry } from 'prom-client';
import { CommandMetrics } from './command-metrics';
import { DeadLetterMetrics } from './dead-letter-metrics';
import { LogMetrics } from './log-metrics';

const QUERIES: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries(contracts).map(([context, { queries }]) => [
    context,
    new Set(queries.map(({ name }) => name)),
  ]),
);

/** What a process measures of the contexts in it, one for all of them. */
export class HostMetrics {
  readonly log: LogMetrics;
  readonly commands: CommandMetrics;
  readonly deadLetters: DeadLetterMetrics;

  constructor(readonly registry: Registry) {
    this.log = new LogMetrics(registry);
    this.commands = new CommandMetrics(registry);
    this.deadLetters = new DeadLetterMetrics(registry);
  }

  /** @param subject `query.<context>.<name>`; what is no contract's has a name of the suite's making. */
  answered(subject: string, outcome: QueryOutcome, beganMs: number): void {
    const [, context = '', name = ''] = subject.split('.');
    const names = QUERIES.get(context);
    if (!names) return;
    this.commands.answered(context, names.has(name) ? name : undefined, outcome, beganMs);
  }
}
