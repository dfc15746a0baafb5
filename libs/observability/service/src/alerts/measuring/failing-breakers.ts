import { healthContract, type AnswerOf } from '@downbeat/contracts';
import type { MessageBus } from '@downbeat/message-bus';
import { ask } from './asking';

type Breaker = AnswerOf<typeof healthContract.listCircuitBreakers>['circuit_breakers'][number];

const PAGE = 200;
/** More are not looked through: of the others nothing is known. */
const PAGES_MAX = 5;

/** Breakers in one state, and whether there are more than were looked through. */
export async function breakersIn(
  bus: MessageBus,
  state: 'open' | 'half_open',
): Promise<{ readonly breakers: readonly Breaker[]; readonly isCut: boolean }> {
  const breakers: Breaker[] = [];
  let cursor: string | undefined;
  for (let page = 1; page <= PAGES_MAX; page++) {
    const asked = { state, limit: PAGE, ...(cursor !== undefined && { cursor }) };
    const { circuit_breakers, next_cursor } = await ask(
      bus,
      healthContract.listCircuitBreakers,
      asked,
    );
    breakers.push(...circuit_breakers);
    if (next_cursor === undefined) return { breakers, isCut: false };
    cursor = next_cursor;
  }
  return { breakers, isCut: true };
}
