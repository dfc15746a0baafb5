import { validate, type QueryContract } from '@downbeat/contracts';
import { Rejection, type JsonObject, type Position } from '@downbeat/eventsourcing';
import type { Request } from 'express';
import { z } from 'zod';
import { requestInput } from '../http/input';
import { invalidParameter } from '../http/query-string';
import type { ContractRoute } from '../http/route-table';
import { readId, VIEW_ID, type ViewId } from './view-id';

export const EVERY_MS = { least: 100, default: 250, most: 60_000 };

const everyMs = z
  .string()
  .regex(/^\d{1,6}$/, 'must be a number of milliseconds')
  .transform(Number)
  .refine((ms) => ms >= EVERY_MS.least && ms <= EVERY_MS.most, {
    error: `must be from ${EVERY_MS.least} to ${EVERY_MS.most}`,
  })
  .default(EVERY_MS.default);

const position = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a position')
  .transform(Number)
  .optional();

const watchAs = z.strictObject({
  every_ms: everyMs,
  min_position: position,
  minPosition: position,
});

const resumed = z.strictObject({
  'Last-Event-ID': z
    .string()
    .regex(VIEW_ID, 'must be the id of an event of this stream')
    .transform(readId)
    .optional(),
});

/** What a client wants to watch, and what it has of it. */
export interface WatchRequest {
  readonly input: JsonObject;
  readonly everyMs: number;
  readonly minPosition: Position | undefined;
  readonly last: ViewId | undefined;
}

export async function watchRequest(
  request: Request,
  route: ContractRoute<QueryContract>,
): Promise<WatchRequest | Rejection> {
  const given = await requestInput(request, route);
  if (given instanceof Rejection) return given;
  const { fields, at, wait: _, ...read } = given;
  if (at !== undefined)
    return invalidParameter(
      'at',
      'cannot be asked of a stream: it begins now, and the past does not change',
    );
  const input = validate(route.contract.input, fields);
  if (input instanceof Rejection) return input;
  const as = validate(watchAs, read);
  if (as instanceof Rejection) return as;
  const came = validate(resumed, {
    'Last-Event-ID': request.headers['last-event-id'] || undefined,
  });
  if (came instanceof Rejection) return came;
  const { every_ms, min_position, minPosition = min_position } = as.value;
  if (min_position !== undefined && min_position !== minPosition)
    return invalidParameter('minPosition', 'differs from min_position, which means the same');
  return {
    input: input.value,
    everyMs: every_ms,
    minPosition,
    last: came.value['Last-Event-ID'],
  };
}
