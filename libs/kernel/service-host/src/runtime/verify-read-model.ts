import type { QueryOutcome } from '@downbeat/message-bus';
import type { ProjectionRunner } from '@downbeat/projections';

/** Longer than anybody waits for it. */
const TIMEOUT_MS_MAX = 600_000;

/** Answers `query.<context>.verify-read-model`: `{ name, timeout_ms? }`. Nothing is built when nobody waits any more. */
export async function verifyReadModel(
  context: string,
  runner: Pick<ProjectionRunner, 'status' | 'verify'>,
  payload: unknown,
): Promise<QueryOutcome> {
  const { name, timeout_ms } = (payload ?? {}) as { name?: unknown; timeout_ms?: unknown };
  if (typeof name !== 'string' || runner.status().every((one) => one.name !== name)) {
    const message = `${context} has no such read model`;
    return { ok: false, problem: { code: 'read-model-unknown', message, kind: 'not-found' } };
  }
  if (timeout_ms !== undefined && !isTimeout(timeout_ms)) {
    const message = `must be a whole number from 1 to ${TIMEOUT_MS_MAX}`;
    const errors = [{ field: 'timeout_ms', message }];
    const problem = { code: 'invalid-input', message: `timeout_ms ${message}`, errors };
    return { ok: false, problem: { ...problem, kind: 'invalid' } };
  }
  const data = await runner.verify(name, timeout_ms);
  return { ok: true, position: data.position, data };
}

const isTimeout = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= TIMEOUT_MS_MAX;
