import type { Request } from 'express';
import { Rejection, type Json } from '@downbeat/eventsourcing';
import { hasBody, readBody, type BodyType } from './body';
import { invalidParameter, queryParameters } from './query-string';
import { isStart, takesBody, type ContractRoute } from './route-table';

/** The untrusted input of a request, put together; not validated yet. */
export interface RequestInput {
  readonly fields: Readonly<Record<string, unknown>>;
  /** Which moment a query is about; still text. */
  readonly at?: string;
  readonly min_position?: string;
  /** The same under another name. */
  readonly minPosition?: string;
  /** How often a client that watches wants to be told; still text. */
  readonly every_ms?: string;
  /** How long to wait for the end of what a command starts; still text. */
  readonly wait?: string;
}

/**
 * Path fields and body, or path fields and query string. A field that is given twice must say the
 * same both times.
 */
export async function requestInput(
  request: Request,
  route: ContractRoute,
): Promise<RequestInput | Rejection> {
  const parameters = queryParameters(request.originalUrl);
  if (parameters instanceof Rejection) return parameters;
  const { rest, read } = splitParameters(route, parameters.value);

  const given = takesBody(route) ? await bodyFields(request, route) : rest;
  if (given instanceof Rejection) return given;
  if (takesBody(route)) {
    const [unexpected] = Object.keys(rest);
    if (unexpected !== undefined)
      return invalidParameter(unexpected, 'is not a known parameter; fields go into the body');
  } else if (hasBody(request)) {
    return new Rejection('unexpected-body', `a ${route.method} has no body here`, 'invalid', [
      { field: '', message: 'must not be there' },
    ]);
  }

  const fields = withPathFields(request, route, given);
  return fields instanceof Rejection ? fields : { fields, ...read };
}

/**
 * What says how to answer, apart from the fields: a moment to read at is one of queries only, and
 * only what has an end can be waited for. Elsewhere they are unknown fields.
 */
function splitParameters(
  route: ContractRoute,
  parameters: Readonly<Record<string, string>>,
): {
  readonly rest: Readonly<Record<string, string>>;
  readonly read: Omit<RequestInput, 'fields'>;
} {
  if (isStart(route)) {
    const { wait, ...rest } = parameters;
    return { rest, read: wait === undefined ? {} : { wait } };
  }
  if (route.contract.kind === 'command') return { rest: parameters, read: {} };
  const { at, min_position, minPosition, every_ms, ...rest } = parameters;
  return {
    rest,
    read: {
      ...(at !== undefined && { at }),
      ...(min_position !== undefined && { min_position }),
      ...(minPosition !== undefined && { minPosition }),
      ...(every_ms !== undefined && { every_ms }),
    },
  };
}

const bodyTypes = (route: ContractRoute): readonly BodyType[] =>
  route.contract.name === 'RegisterWorkflowDefinition'
    ? ['application/json', 'application/yaml']
    : ['application/json'];

const keysMaxOf = ({ contract }: ContractRoute): number | undefined =>
  contract.kind === 'command' ? contract.keysMax : undefined;

async function bodyFields(
  request: Request,
  route: ContractRoute,
): Promise<Readonly<Record<string, Json | undefined>> | Rejection> {
  const body = await readBody(request, bodyTypes(route), keysMaxOf(route));
  if (body instanceof Rejection) return body;
  if (body.value === null || typeof body.value !== 'object' || Array.isArray(body.value))
    return new Rejection('malformed-body', 'the body must be an object', 'invalid', [
      { field: '', message: 'must be an object' },
    ]);
  return body.value as Readonly<Record<string, Json | undefined>>;
}

function withPathFields(
  request: Request,
  route: ContractRoute,
  given: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> | Rejection {
  const fields: Record<string, unknown> = { ...given };
  for (const field of route.pathFields) {
    const value = request.params[field];
    if (Object.hasOwn(given, field) && given[field] !== value)
      return invalidParameter(field, 'differs from the one in the path');
    fields[field] = value;
  }
  return fields;
}
