import { observabilityContract } from '@downbeat/contracts';
import type { SpansOfResource } from './span';
import { BATCH_BYTES_MAX } from './span-batches';

const { SPANS_OF_BATCH_MAX } = observabilityContract;

/** As few batches as hold them in this order; each of them fits into one by itself. */
export function packedSpans(
  resources: readonly SpansOfResource[],
  bytesOf: (resource: SpansOfResource) => number,
): readonly (readonly SpansOfResource[])[] {
  const batches: SpansOfResource[][] = [];
  let room = { spans: 0, bytes: 0 };
  for (const resource of resources) {
    const bytes = bytesOf(resource);
    const spans = resource.spans.length;
    if (room.spans < spans || room.bytes < bytes) {
      room = { spans: SPANS_OF_BATCH_MAX, bytes: BATCH_BYTES_MAX };
      batches.push([]);
    }
    batches.at(-1)?.push(resource);
    room = { spans: room.spans - spans, bytes: room.bytes - bytes };
  }
  return batches;
}
