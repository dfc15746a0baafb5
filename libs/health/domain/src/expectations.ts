import type { Json } from '@downbeat/eventsourcing';
import type { CheckRequest } from './check-request';
import type { CheckResult } from './thresholds';

const SHOWN_CHARS = 100;

/** What an HTTP answer says of the instance: a status that is expected, and the body that goes with it. */
export function judgeHttp(
  { expectedStatuses, expectedBody }: CheckRequest,
  status: number,
  body: string,
): CheckResult {
  const detail = `HTTP ${status}`;
  const isExpected = expectedStatuses?.includes(status) ?? (status >= 200 && status < 300);
  if (!isExpected || !expectedBody) return { isPassed: isExpected, detail };
  const judged = judgeBody(expectedBody, body);
  return { ...judged, detail: `${detail}, ${judged.detail}` };
}

/** What a field of a JSON body says of the instance. */
export function judgeBody(
  { field, values }: NonNullable<CheckRequest['expectedBody']>,
  body: string,
): CheckResult {
  const found = valueAt(field, body);
  if (found === undefined) return { isPassed: false, detail: `no ${field} in the body` };
  const isPassed = values.some((value) => value === found);
  return { isPassed, detail: `${field} is ${JSON.stringify(found).slice(0, SHOWN_CHARS)}` };
}

function valueAt(path: string, body: string): Json | undefined {
  let found = parsed(body);
  for (const name of path.split('.')) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name))
      return undefined;
    found = (found as { readonly [name: string]: Json | undefined })[name];
  }
  return found;
}

function parsed(body: string): Json | undefined {
  try {
    return JSON.parse(body) as Json;
  } catch (fault) {
    if (fault instanceof SyntaxError) return undefined;
    throw fault;
  }
}
