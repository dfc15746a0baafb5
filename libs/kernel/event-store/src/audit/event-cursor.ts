import type { Position } from '@downbeat/eventsourcing';
import { InvalidCursor } from '../errors';

type Order = 'asc' | 'desc';

/** Opaque to those who hand it back: the order of the list, and the position it has reached. */
export const cursorAfter = (position: Position, order: Order): string =>
  Buffer.from(`${order}:${position}`).toString('base64url');

/** @throws {InvalidCursor} Made up, or of a list in the other order. */
export function positionOf(cursor: string, order: Order): Position {
  const [ofOrder, position = ''] = Buffer.from(cursor, 'base64url').toString().split(':');
  if (ofOrder !== order || !/^[1-9]\d{0,15}$/.test(position))
    throw new InvalidCursor('the cursor does not belong to this list');
  return Number(position);
}
