import { Pool } from 'undici';

const CONNECTIONS_MAX = 256;

/**
 * What every engine runs here, and what the floors run without one: two calls with an idempotency key,
 * and a decision between them.
 */
export function openTarget(url) {
  const pool = new Pool(url, { connections: CONNECTIONS_MAX });
  const call = async (key, path, input) => {
    const { statusCode, body } = await pool.request({
      method: 'POST',
      path,
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify(input),
      bodyTimeout: 30_000,
      headersTimeout: 30_000,
    });
    const answer = await body.json();
    if (statusCode !== 201) throw new Error(`${path} answered ${statusCode}`);
    return answer;
  };
  return {
    reserve: (runId, { order_id, sku, quantity }) =>
      call(`${runId}:reserve`, '/reservations', { order_id, sku, quantity }),
    pay: (runId, { order_id, amount }) => call(`${runId}:pay`, '/payments', { order_id, amount }),
  };
}

/** Large orders are not paid here. */
export const isLarge = ({ amount }) => amount > 10_000;
