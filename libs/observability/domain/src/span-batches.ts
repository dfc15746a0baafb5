import { observabilityContract } from '@downbeat/contracts';
import { fitSpan, tagsIn, textIn, type Misfit } from './fit-span';
import type { HandedResource } from './handed-over';
import type { RecordedSpan, SpansOfResource } from './span';

const { NAME_LENGTH_MAX, SPANS_OF_BATCH_MAX } = observabilityContract;

/** A message of a NATS server has 1 MB; the rest is for what stands around it. */
export const BATCH_CHARS_MAX = 600_000;
const SERVICE_NAME = 'service.name';

/** What was handed over at once, as the batches that are kept of it, and what is not taken. */
export interface SpanBatches {
  readonly batches: readonly (readonly SpansOfResource[])[];
  readonly rejected: number;
  /** Of the first span that is not taken. */
  readonly misfit?: Misfit;
}

/**
 * Usually one batch: what SDKs hand over at once has 512 spans.
 *
 * @param charsOf How long a span is as JSON.
 */
export function spanBatches(
  resources: readonly HandedResource[],
  atUs: number,
  charsOf: (span: RecordedSpan) => number,
): SpanBatches {
  const batches: SpansOfResource[][] = [];
  let room = { spans: 0, chars: 0 };
  let rejected = 0;
  let misfit: Misfit | undefined;
  for (const [r, resource] of resources.entries()) {
    let open: SpansOfResource | undefined;
    for (const [s, handed] of resource.spans.entries()) {
      const span = fitSpan(handed, atUs);
      if ('field' in span) {
        rejected++;
        misfit ??= { ...span, field: `resourceSpans.${r}.spans.${s}.${span.field}` };
        continue;
      }
      const chars = charsOf(span);
      if (room.spans < 1 || room.chars < chars) {
        room = { spans: SPANS_OF_BATCH_MAX, chars: BATCH_CHARS_MAX };
        batches.push([]);
        open = undefined;
      }
      if (!open) {
        open = { ...headOf(resource), spans: [] };
        batches.at(-1)?.push(open);
      }
      open.spans.push(span);
      room = { spans: room.spans - 1, chars: room.chars - chars };
    }
  }
  return { batches, rejected, ...(misfit && { misfit }) };
}

function headOf({ attributes }: HandedResource): Omit<SpansOfResource, 'spans'> {
  const named = attributes.find(([name, value]) => name === SERVICE_NAME && value !== '');
  const rest = attributes.filter(([name]) => name !== SERVICE_NAME);
  return {
    service_name: textIn(named?.[1] ?? 'unknown_service', NAME_LENGTH_MAX),
    ...tagsIn(rest),
  };
}
