import { Rejection, type FieldError } from '@downbeat/eventsourcing';
import type { z } from 'zod';

/** @returns The parsed value, or a rejection that names each field that is wrong, once. */
export function validate<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): { readonly value: z.output<Schema> } | Rejection {
  const parsed = schema.safeParse(value, { error: missing });
  if (parsed.success) return { value: parsed.data };
  const errors = fieldErrors(parsed.error);
  const [first] = errors;
  return new Rejection(
    'invalid-input',
    first ? `${first.field || 'the body'} ${first.message}` : 'the input is not valid',
    'invalid',
    errors,
  );
}

/** What is not there has no wrong type or value; of everything else zod says what is wrong. */
const missing = ({ input }: { readonly input?: unknown }): string | undefined =>
  input === undefined ? 'is required' : undefined;

/** What somebody sent may be wrong in ten thousand places; they are told of the first ones. */
const ERRORS_MAX = 20;
const FIELD_LENGTH_MAX = 200;
const MESSAGE_LENGTH_MAX = 500;

/**
 * Zod's issues with dot paths, 20 fields at most and each of them once; an unknown key is named
 * itself, not the object it stands in.
 */
export function fieldErrors(error: z.ZodError): readonly FieldError[] {
  const errors = new Map<string, FieldError>();
  for (const issue of error.issues) {
    const isUnknown = issue.code === 'unrecognized_keys';
    const message = isUnknown ? 'is not a known field' : lowerFirst(issue.message);
    for (const key of isUnknown ? issue.keys : [undefined]) {
      const field = [...issue.path, ...(key === undefined ? [] : [key])].map(String).join('.');
      if (errors.size === ERRORS_MAX && !errors.has(field)) return [...errors.values()];
      // The last word on a field is the most specific one: a number's own bounds, a text's pattern.
      errors.set(field, fieldError(field, message));
    }
  }
  return [...errors.values()];
}

const fieldError = (field: string, message: string): FieldError => ({
  field: field.slice(0, FIELD_LENGTH_MAX),
  message: message.slice(0, MESSAGE_LENGTH_MAX),
});

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
