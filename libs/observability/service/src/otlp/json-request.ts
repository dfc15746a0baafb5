import { checkUntrusted, validate } from '@downbeat/contracts';
import { Rejection, type Json } from '@downbeat/eventsourcing';
import type { HandedAttribute, HandedResource, HandedSpan } from '@downbeat/observability-domain';
import { z } from 'zod';
import { MalformedRequest } from './malformed-request';
import { asText } from './protobuf-value';
import { SCOPE_NAME } from './protobuf-request';
import { ReadBudget } from './read-budget';
import { takeJson } from './json-budget';

const integer = z
  .union([
    z.string().regex(/^-?\d{1,20}$/, 'must be a whole number'),
    z.number().refine(Number.isInteger, 'must be a whole number'),
  ])
  .transform(BigInt);
const nanos = integer.default(0n);
const whole = z.number().int().default(0);
const text = z.string().default('');

/** JSON of protobuf leaves out what has its default, and may say null. */
const orNothing = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((value) => value ?? undefined, schema);
const list = <Schema extends z.ZodType>(schema: Schema) => orNothing(z.array(schema).default([]));

const anyValue: z.ZodType<Json> = z.lazy(() =>
  z
    .object({
      stringValue: z.string().optional(),
      boolValue: z.boolean().optional(),
      intValue: z.union([z.string(), z.number()]).optional(),
      doubleValue: z.union([z.number(), z.string()]).optional(),
      arrayValue: z.object({ values: list(anyValue) }).optional(),
      kvlistValue: z
        .object({ values: list(z.object({ key: text, value: anyValue.optional() })) })
        .optional(),
      bytesValue: z.string().optional(),
    })
    .transform(
      ({ stringValue, boolValue, intValue, doubleValue, arrayValue, kvlistValue, bytesValue }) =>
        stringValue ??
        boolValue ??
        intValue ??
        doubleValue ??
        arrayValue?.values ??
        (kvlistValue && membersOf(kvlistValue.values)) ??
        bytesValue ??
        null,
    ),
);

const membersOf = (values: readonly { key: string; value?: Json | undefined }[]): Json =>
  Object.fromEntries(values.map(({ key, value }) => [key, value ?? null]));

const anyAttribute = z
  .object({ key: text, value: orNothing(anyValue.optional()) })
  .transform(({ key, value }): HandedAttribute => [key, asText(value ?? null)]);

/** Nearly all of them are text, which is seen at once: the schema takes twenty times as long. */
const attribute = z.unknown().transform((given, { issues }): HandedAttribute => {
  const known = textAttribute(given);
  if (known) return known;
  const read = anyAttribute.safeParse(given);
  if (read.success) return read.data;
  issues.push(...(read.error.issues as typeof issues));
  return z.NEVER;
});

function textAttribute(given: unknown): HandedAttribute | undefined {
  const { key, value } = (given ?? {}) as { readonly key?: unknown; readonly value?: unknown };
  if (typeof key !== 'string' || value === null || typeof value !== 'object') return undefined;
  const { stringValue } = value as { readonly stringValue?: unknown };
  if (typeof stringValue !== 'string' || Object.keys(value).length > 1) return undefined;
  return [key, stringValue];
}

const attributes = list(attribute);

const span = z
  .object({
    traceId: text,
    spanId: text,
    parentSpanId: orNothing(text),
    name: text,
    kind: whole,
    startTimeUnixNano: nanos,
    endTimeUnixNano: nanos,
    attributes,
    events: list(
      z
        .object({ timeUnixNano: nanos, name: text, attributes })
        .transform(({ timeUnixNano: timeNs, ...event }) => ({ timeNs, ...event })),
    ),
    links: list(z.object({ traceId: text, spanId: text })),
    status: orNothing(z.object({ code: whole, message: text }).default({ code: 0, message: '' })),
  })
  // Member for member: spreading the rest takes longer than all else that is done here.
  .transform((given): HandedSpan => ({
    traceId: given.traceId,
    spanId: given.spanId,
    parentSpanId: given.parentSpanId,
    name: given.name,
    kind: given.kind,
    startNs: given.startTimeUnixNano,
    endNs: given.endTimeUnixNano,
    attributes: given.attributes,
    events: given.events,
    links: given.links,
    statusCode: given.status.code,
    statusMessage: given.status.message,
  }));

const request = z.object({
  resourceSpans: list(
    z.object({
      resource: orNothing(z.object({ attributes }).default({ attributes: [] })),
      scopeSpans: list(
        z.object({
          scope: orNothing(z.object({ name: text }).default({ name: '' })),
          spans: list(span),
        }),
      ),
    }),
  ),
});

/**
 * An ExportTraceServiceRequest in JSON, as OTLP has it: ids in hexadecimal, 64-bit numbers as text.
 *
 * @throws {MalformedRequest} @throws {RequestRefused} There is more in it than is read.
 */
export function jsonRequest(body: string, budget = new ReadBudget()): readonly HandedResource[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch (fault) {
    if (!(fault instanceof SyntaxError)) throw fault;
    throw new MalformedRequest('', `is not JSON: ${fault.message}`, { cause: fault });
  }
  takeJson(parsed, budget);
  const valid = checkUntrusted(parsed, budget.spent.parts) ?? validate(request, parsed);
  if (valid instanceof Rejection) {
    const { field = '', message = valid.message } = valid.errors[0] ?? {};
    throw new MalformedRequest(field, message);
  }
  return valid.value.resourceSpans.map(({ resource, scopeSpans }) => ({
    attributes: resource.attributes,
    spans: scopeSpans.flatMap(({ scope, spans }) =>
      scope.name === '' ? spans : spans.map((one) => withScope(one, scope.name)),
    ),
  }));
}

const withScope = (span: HandedSpan, scope: string): HandedSpan => ({
  ...span,
  attributes: [...span.attributes, [SCOPE_NAME, scope]],
});
