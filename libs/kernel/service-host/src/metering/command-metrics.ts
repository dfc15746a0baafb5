import type { CommandOutcome, Delivery, QueryOutcome, Settlement } from '@downbeat/message-bus';
import { Counter, type Registry } from 'prom-client';
import { Durations } from './durations';

type Handle = (delivery: Delivery) => Promise<Settlement>;

/** A name that no contract has: who sends it chooses it, so it is no label. */
const UNKNOWN = 'unknown';
/** Known before the first of them: a rise from nothing is none to Prometheus. */
const OUTCOMES = ['accepted', 'refused', 'broke'];

/** Counts and times the commands and queries that this process answers. */
export class CommandMetrics {
  private readonly commands: Counter<'context' | 'command' | 'outcome'>;
  private readonly commandDurations: Durations<'context' | 'command'>;
  private readonly queries: Counter<'context' | 'query' | 'outcome'>;
  private readonly queryDurations: Durations<'context' | 'query'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.commands = new Counter({
      registers,
      name: 'downbeat_commands_total',
      help: 'Commands handled: accepted, repeated, refused, put back to be tried again, dead-lettered, broke',
      labelNames: ['context', 'command', 'outcome'],
    });
    this.commandDurations = new Durations(registry, {
      name: 'downbeat_command_duration_seconds',
      help: 'From the delivery of a command until it is decided and committed',
      labelNames: ['context', 'command'],
    });
    this.queries = new Counter({
      registers,
      name: 'downbeat_queries_total',
      help: 'Queries answered: ok, or the kind of problem',
      labelNames: ['context', 'query', 'outcome'],
    });
    this.queryDurations = new Durations(registry, {
      name: 'downbeat_query_duration_seconds',
      help: 'From the arrival of a query until it is answered',
      labelNames: ['context', 'query'],
    });
  }

  /** @param names Of all commands of the context. */
  measured(context: string, names: ReadonlySet<string>, handle: Handle): Handle {
    for (const command of names)
      for (const outcome of OUTCOMES) this.commands.inc({ context, command, outcome }, 0);
    return async (delivery) => {
      const beganMs = performance.now();
      const [, , name = ''] = delivery.subject.split('.');
      const command = names.has(name) ? name : UNKNOWN;
      let outcome = 'broke';
      try {
        const settlement = await handle(delivery);
        outcome = outcomeOf(settlement);
        return settlement;
      } finally {
        this.commands.inc({ context, command, outcome });
        const ms = performance.now() - beganMs;
        this.commandDurations.tookMs({ context, command }, ms, delivery.traceparent);
      }
    };
  }

  /** @param query Its name in the contracts; undefined: it is none of theirs. */
  answered(context: string, query: string | undefined, answer: QueryOutcome, beganMs: number) {
    const labels = { context, query: query ?? UNKNOWN };
    this.queries.inc({ ...labels, outcome: answer.ok ? 'ok' : answer.problem.kind });
    this.queryDurations.tookMs(labels, performance.now() - beganMs);
  }
}

function outcomeOf(settlement: Settlement): string {
  switch (settlement.outcome) {
    case 'done':
      return settlement.answer ? answerOf(settlement.answer) : 'accepted';
    case 'retry':
      return 'retried';
    case 'dead-letter':
      return 'dead-lettered';
  }
}

function answerOf(answer: CommandOutcome): string {
  if (!answer.accepted) return 'refused';
  return answer.repeated ? 'repeated' : 'accepted';
}
