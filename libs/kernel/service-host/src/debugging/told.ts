import type { Append, Appended } from '@downbeat/event-store';
import {
  reasonOf,
  type CommandOutcome,
  type Delivery,
  type QueryOutcome,
  type Settlement,
} from '@downbeat/message-bus';
import type { EventTransport } from '@downbeat/publishing';
import type { Tell } from './debug-logs';

const msSince = (beganMs: number): number => Math.round(performance.now() - beganMs);

type Handle = (delivery: Delivery) => Promise<Settlement>;

/** Says of each command what became of it; never what stands in it. */
export function toldCommands(handle: Handle, tell: Tell | undefined): Handle {
  if (!tell) return handle;
  return async (delivery) => {
    const beganMs = performance.now();
    const { subject, id: command_id, actor } = delivery;
    tell({ subject, command_id, actor }, 'a command came');
    try {
      const settlement = await handle(delivery);
      tell(
        { subject, command_id, ...factsOf(settlement), ms: msSince(beganMs) },
        'a command is settled',
      );
      return settlement;
    } catch (fault) {
      const reason = reasonOf(fault);
      tell({ subject, command_id, reason, ms: msSince(beganMs) }, 'a command broke');
      throw fault;
    }
  };
}

const factsOf = (settlement: Settlement): object => ({
  outcome: settlement.outcome,
  ...('reason' in settlement && { reason: settlement.reason }),
  ...('answer' in settlement && settlement.answer && outcomeFacts(settlement.answer)),
});

const outcomeFacts = (outcome: CommandOutcome): object =>
  outcome.accepted
    ? { accepted: true, position: outcome.position, repeated: outcome.repeated }
    : { accepted: false, code: outcome.problem.code };

/** Says which events were appended where; never what they say. */
export function tellAppended(tell: Tell, append: Append, { position }: Appended): void {
  const types = append.events.map(({ type }) => type);
  tell({ stream: append.stream, types, position }, 'events are appended');
}

export function tellQuery(
  tell: Tell,
  subject: string,
  outcome: QueryOutcome,
  beganMs: number,
): void {
  const facts = outcome.ok
    ? { ok: true, position: outcome.position }
    : { ok: false, code: outcome.problem.code };
  tell({ subject, ...facts, ms: msSince(beganMs) }, 'a query is answered');
}

/** Says which publications went out. */
export function toldPublications(
  transport: EventTransport,
  tell: Tell | undefined,
): EventTransport {
  if (!tell) return transport;
  return {
    ...transport,
    publish: async (publications, repeat) => {
      const beganMs = performance.now();
      const sequence = await transport.publish(publications, repeat);
      const [first, last] = [publications[0]?.number, publications.at(-1)?.number];
      const names = [...new Set(publications.map(({ name }) => name))];
      tell({ first, last, names, sequence, ms: msSince(beganMs) }, 'publications are sent');
      return sequence;
    },
  };
}
