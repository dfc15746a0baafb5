import { parseUntrustedJson } from '@downbeat/contracts';
import type { GatewayAnswer } from './gateway-client';

const FIELDS: readonly unknown[] = ['lifecycle', 'lifecycle_detail'];

/** Whether a registration was refused for the stage in it, which suites of before do not know there. */
export function isStageUnknown({ status, body }: GatewayAnswer): boolean {
  if (status !== 400) return false;
  const json = parseUntrustedJson(body);
  const problem = 'value' in json ? (json.value as { readonly errors?: unknown } | null) : null;
  const errors: readonly unknown[] = Array.isArray(problem?.errors) ? problem.errors : [];
  return errors.some((error) => FIELDS.includes((error as { field?: unknown } | null)?.field));
}
