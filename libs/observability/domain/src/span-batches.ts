import { observabilityContract } from '@downbeat/contracts';
import { fitSpan, tagsIn, textIn, type Misfit } from './fit-span';
import type { HandedResource } from './handed-over';
import type { RecordedSpan, SpansOfResource } from './span';

const { NAME_LENGTH_MAX, SPANS_OF_BATCH_MAX } = observabilityContract;

/** In UTF-8 as JSON. A message of a NATS server has 1 MB; the rest is for what stands around it. */
export const BATCH_BYTES_MAX = 600_000;
/** What says more of a process than this is left out: it would stand in each batch of its spans. */
const HEAD_BYTES_MAX = 200_000;
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
 * @param bytesOf How long a span, or what is said of its process, is as JSON in UTF-8.
 */
export function spanBatches(
  resources: readonly HandedResource[],
  atUs: number,
  bytesOf: BytesOf,
): SpanBatches {
  const batches: SpansOfResource[][] = [];
  let room = { spans: 0, bytes: 0 };
  let rejected = 0;
  let misfit: Misfit | undefined;
  for (const [r, resource] of resources.entries()) {
    if (resource.spans.length === 0) continue;
    const head = headOf(resource, bytesOf);
    const headBytes = bytesOf(head);
    let open: SpansOfResource | undefined;
    for (const [s, handed] of resource.spans.entries()) {
      const fitted = fitSpan(handed, atUs);
      if ('field' in fitted) {
        rejected++;
        misfit ??= { ...fitted, field: `resourceSpans.${r}.spans.${s}.${fitted.field}` };
        continue;
      }
      const { span, bytes } = sizedSpan(fitted, BATCH_BYTES_MAX - headBytes, bytesOf);
      if (room.spans < 1 || room.bytes < bytes + (open ? 0 : headBytes)) {
        room = { spans: SPANS_OF_BATCH_MAX, bytes: BATCH_BYTES_MAX };
        batches.push([]);
        open = undefined;
      }
      if (!open) {
        open = { ...head, spans: [] };
        batches.at(-1)?.push(open);
        room = { ...room, bytes: room.bytes - headBytes };
      }
      open.spans.push(span);
      room = { spans: room.spans - 1, bytes: room.bytes - bytes };
    }
  }
  return { batches, rejected, ...(misfit && { misfit }) };
}

type Head = Omit<SpansOfResource, 'spans'>;
type BytesOf = (value: RecordedSpan | Head) => number;

function headOf({ attributes }: HandedResource, bytesOf: BytesOf): Head {
  const named = attributes.find(([name, value]) => name === SERVICE_NAME && value !== '');
  const rest = attributes.filter(([name]) => name !== SERVICE_NAME);
  const service_name = textIn(named?.[1] ?? 'unknown_service', NAME_LENGTH_MAX);
  const head = { service_name, ...tagsIn(rest) };
  return bytesOf(head) <= HEAD_BYTES_MAX ? head : { service_name };
}

/** Of a span that no batch holds first the events are left out, then what its attributes say. */
function sizedSpan(
  whole: RecordedSpan,
  bytesMax: number,
  bytesOf: BytesOf,
): { readonly span: RecordedSpan; readonly bytes: number } {
  const bytes = bytesOf(whole);
  if (bytes <= bytesMax) return { span: whole, bytes };
  const { logs: _, ...withoutLogs } = whole;
  const bytesLeft = bytesOf(withoutLogs);
  if (bytesLeft <= bytesMax) return { span: withoutLogs, bytes: bytesLeft };
  const { tags: __, ...bare } = withoutLogs;
  return { span: bare, bytes: bytesOf(bare) };
}
