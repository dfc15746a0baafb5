import { healthContract, type AnswerOf } from '@downbeat/contracts';
import { Fault, type JsonObject } from '@downbeat/eventsourcing';
import type { MessageBus } from '@downbeat/message-bus';
import { ask } from './asking';

const { listCircuitBreakers } = healthContract;
type Breaker = AnswerOf<typeof listCircuitBreakers>['circuit_breakers'][number];

const PAGE = 200;
/** More are not looked through: of the others nothing is known. */
const PAGES_MAX = 5;

/** Breakers in one state, and whether there are more than were looked through. */
export async function breakersIn(
  bus: MessageBus,
  state: 'open' | 'half_open',
): Promise<{ readonly breakers: readonly Breaker[]; readonly isCut: boolean }> {
  const first = await ask(bus, listCircuitBreakers, { state, limit: PAGE });
  const breakers: Breaker[] = [...first.circuit_breakers];
  let cursor = first.next_cursor;
  for (let page = 2; cursor !== undefined; page++) {
    const next = page > PAGES_MAX ? undefined : await further(bus, { state, limit: PAGE, cursor });
    if (!next) return { breakers, isCut: true };
    breakers.push(...next.circuit_breakers);
    cursor = next.next_cursor;
  }
  return { breakers, isCut: false };
}

/** Undefined when it is not answered: what was found before it counts all the same. */
async function further(
  bus: MessageBus,
  asked: JsonObject,
): Promise<AnswerOf<typeof listCircuitBreakers> | undefined> {
  try {
    return await ask(bus, listCircuitBreakers, asked);
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault;
    return undefined;
  }
}
