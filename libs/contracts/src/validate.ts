import { Rejection, type FieldError } from '@downbeat/eventsourcing';
import type { z } from 'zod';

/** @returns The parsed value, or a rejection that names each field that is wrong. */
export function validate<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): { readonly value: z.output<Schema> } | Rejection {
  const parsed = schema.safeParse(value);
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

/** Zod's issues with dot paths; an unknown key is named itself, not the object it stands in. */
export function fieldErrors(error: z.ZodError): readonly FieldError[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.map(String);
    return issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ field: [...path, key].join('.'), message: 'is not a known field' }))
      : [{ field: path.join('.'), message: lowerFirst(issue.message) }];
  });
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
