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

/** What somebody sent may be wrong in ten thousand places; they are told of the first ones. */
const ERRORS_MAX = 20;
const FIELD_LENGTH_MAX = 200;
const MESSAGE_LENGTH_MAX = 500;

/** Zod's issues with dot paths, 20 at most; an unknown key is named itself, not the object it stands in. */
export function fieldErrors(error: z.ZodError): readonly FieldError[] {
  return error.issues
    .flatMap((issue) => {
      const path = issue.path.map(String);
      return issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => fieldError([...path, key], 'is not a known field'))
        : [fieldError(path, lowerFirst(issue.message))];
    })
    .slice(0, ERRORS_MAX);
}

const fieldError = (path: readonly string[], message: string): FieldError => ({
  field: path.join('.').slice(0, FIELD_LENGTH_MAX),
  message: message.slice(0, MESSAGE_LENGTH_MAX),
});

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
