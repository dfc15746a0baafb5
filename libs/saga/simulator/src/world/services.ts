import { PAYLOAD_BYTES_MAX } from '@downbeat/contracts';
import type { JsonObject } from '@downbeat/eventsourcing';
import type { CallEffect, CallResult } from '@downbeat/saga-domain';
import type { Chance } from '../chance';
import type { Weather } from '../weather/weather';
import type { Books } from './books';

/** Of an answer that may not be kept. */
const TOO_MUCH = 'x'.repeat(PAYLOAD_BYTES_MAX);

/**
 * The services of all steps, as the suite asks them to be: a key stands for one request and one
 * effect, whose answer is remembered; an undo is accepted for what never arrived, which then comes too late.
 */
export class Services {
  /** By key. */
  private readonly effects = new Map<string, number>();
  /** What was asked under a key. */
  private readonly requests = new Map<string, string>();
  /** Keys whose undo has taken place. */
  private readonly undone = new Set<string>();
  private answers = 0;

  constructor(
    private readonly books: Books,
    private readonly weather: Weather,
    private readonly chance: Chance,
  ) {}

  /** One request has arrived. No two answers are the same. */
  serve(correlationId: string, effect: CallEffect): CallResult {
    const answer = ++this.answers;
    const { key, purpose, undoes, service_name, endpoint, method } = effect;
    const request = JSON.stringify([service_name, endpoint, method, effect.input]);
    const known = this.requests.get(key) ?? request;
    this.requests.set(key, known);
    // As services do that know what was asked under a key.
    if (known !== request) {
      this.books.anotherRequest(correlationId, effect);
      return { kind: 'answer', status: 422, message: `the key is another request's (${answer})` };
    }
    // Before it looks whether it knows the key.
    const busy = this.busy(answer);
    if (busy) return busy;
    const id = this.effects.get(key);
    if (id !== undefined) return { kind: 'ok', output: { id, answer } };
    if (this.undone.has(key))
      return { kind: 'answer', status: 409, message: `was undone (${answer})` };
    if (this.weather.strikes('target-refuses'))
      return { kind: 'answer', status: 409, message: `sold out (${answer})` };
    this.effects.set(key, answer);
    if (purpose === 'undo' && undoes !== undefined) this.undone.add(undoes);
    this.books.did(correlationId, effect);
    if (this.weather.strikes('target-unusable')) return { kind: 'ok', output: { answer } };
    if (this.weather.strikes('target-oversized')) return this.oversized({ id: answer, answer });
    if (this.weather.strikes('target-unstorable'))
      return { kind: 'ok', output: { id: answer, answer, note: '\u0000' } };
    return { kind: 'ok', output: { id: answer, answer } };
  }

  /** As the way to services has it that reads no further, or as it comes to whoever reads to the end. */
  private oversized(output: JsonObject): CallResult {
    if (this.chance.isLucky(0.6))
      return { kind: 'oversized', message: `the answer is too large (${String(output['id'])})` };
    return { kind: 'ok', output: { ...output, much: TOO_MUCH } };
  }

  private busy(answer: number): CallResult | undefined {
    const { weather, chance } = this;
    if (!weather.strikes('target-busy')) return undefined;
    const status = chance.oneOf(503, 500, 429, 408);
    const later = chance.isLucky(0.3) ? { retry_after_ms: chance.below(400) } : {};
    return { kind: 'answer', status, message: `busy (${answer})`, ...later };
  }
}
