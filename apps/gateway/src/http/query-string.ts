import { Rejection } from '@downbeat/eventsourcing';

/** The parameters after `?`, each at most once; refused by name otherwise. */
export function queryParameters(
  url: string,
): { readonly value: Record<string, string> } | Rejection {
  const at = url.indexOf('?');
  const parameters = new URLSearchParams(at === -1 ? '' : url.slice(at + 1));
  const value: Record<string, string> = {};
  for (const [name, text] of parameters) {
    if (Object.hasOwn(value, name)) return invalidParameter(name, 'is given more than once');
    // Plain assignment would set the prototype for `__proto__`, and nobody would refuse the name.
    Object.defineProperty(value, name, { value: text, enumerable: true, configurable: true });
  }
  return { value };
}

export const invalidParameter = (field: string, message: string): Rejection =>
  new Rejection('invalid-input', `${field} ${message}`, 'invalid', [{ field, message }]);
