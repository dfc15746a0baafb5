import { validate } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import { z } from 'zod';
import { invalidParameter } from './query-string';

const positionOr = (else_: string) =>
  z
    .string()
    .regex(/^\d{1,15}$/, `must be a position${else_}`)
    .transform(Number);

const OR_TIME = ' (a whole number) or an ISO 8601 time in UTC';
const moment = z.union([positionOr(OR_TIME), z.iso.datetime(`must be a position${OR_TIME}`)]);
type Moment = z.output<typeof moment>;

const readAs = z.strictObject({
  at: moment.optional(),
  until: z.union([z.literal(''), moment]).optional(),
  min_position: positionOr('').optional(),
  minPosition: positionOr('').optional(),
});

/** Which moment a query is about, as the owning context is asked. */
export interface AskedAs {
  readonly at?: Moment;
  readonly min_position?: number;
}

export interface Moments {
  /** The moment, or the later one of two. */
  readonly as: AskedAs;
  /** The earlier one of two: what became different since then is asked. */
  readonly since?: AskedAs;
}

const RANGE = '..';

/** `at=<moment>`, or `at=<moment>..<moment>` for the difference; the later one may be left out. */
export function momentsOf(
  read: Readonly<Partial<Record<'at' | 'min_position' | 'minPosition', string>>>,
): Moments | Rejection {
  const [at, until, ...more] = (read.at ?? '').split(RANGE);
  if (more.length > 0) return invalidParameter('at', 'may name two moments at most');
  const isRange = until !== undefined;
  const checked = validate(readAs, {
    ...read,
    ...(read.at !== undefined && { at }),
    ...(isRange && { until }),
  });
  if (checked instanceof Rejection) return withAt(checked);
  const { min_position, minPosition = min_position, ...asked } = checked.value;
  if (min_position !== undefined && min_position !== minPosition)
    return invalidParameter('minPosition', 'differs from min_position, which means the same');
  const waiting = minPosition === undefined ? {} : { min_position: minPosition };
  if (!isRange || asked.at === undefined)
    return { as: { ...(asked.at !== undefined && { at: asked.at }), ...waiting } };
  const later = asked.until === '' || asked.until === undefined ? {} : { at: asked.until };
  if (later.at !== undefined && isAfter(asked.at, later.at)) return backwards();
  return { since: { at: asked.at }, as: { ...later, ...waiting } };
}

export const backwards = (): Rejection =>
  invalidParameter('at', 'must name the earlier moment first');

/** Of a position and a time it shows only in the answers. */
const isAfter = (one: Moment, other: Moment): boolean =>
  typeof one === 'number' || typeof other === 'number'
    ? typeof one === typeof other && one > other
    : Date.parse(one) > Date.parse(other);

/** Both moments came in the one parameter. */
function withAt(refusal: Rejection): Rejection {
  const [first] = refusal.errors;
  return first?.field === 'until' ? invalidParameter('at', first.message) : refusal;
}
