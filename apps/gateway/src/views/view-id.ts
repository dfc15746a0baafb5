import type { Position } from '@downbeat/eventsourcing';

/** Which answer a client has: where it was read, and the tag of its body. */
export interface ViewId {
  readonly position: Position;
  readonly tag: string;
}

/** `<X-Read-Position>-<ETag without W/ and quotes>`: what a plain answer says of itself. */
export const VIEW_ID = /^(\d{1,15})-([\w-]{22})$/;

export const writtenId = ({ position, tag }: ViewId): string => `${position}-${tag}`;

/** @param text Fits {@link VIEW_ID}. */
export function readId(text: string): ViewId {
  const [, position = '', tag = ''] = VIEW_ID.exec(text) ?? [];
  return { position: Number(position), tag };
}
