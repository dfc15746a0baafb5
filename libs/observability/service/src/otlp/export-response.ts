import { Writer } from 'protobufjs/minimal';

/** The two forms of OTLP over HTTP; an answer has that of its request. */
export type OtlpType = 'application/x-protobuf' | 'application/json';

export interface TakenSpans {
  readonly kept: number;
  /** Held until it is known whether their trace is worth keeping. */
  readonly undecided: number;
  readonly rejected: number;
  /** Why; empty when all were taken. */
  readonly message: string;
}

/** An ExportTraceServiceResponse; empty when all spans were taken. */
export function exportResponse(
  { rejected, message }: Pick<TakenSpans, 'rejected' | 'message'>,
  type: OtlpType,
): Buffer {
  const isWhole = rejected === 0;
  if (type === 'application/json')
    return Buffer.from(
      JSON.stringify(
        isWhole ? {} : { partialSuccess: { rejectedSpans: `${rejected}`, errorMessage: message } },
      ),
    );
  const writer = Writer.create();
  if (!isWhole)
    writer
      .uint32(FIELD_1_MESSAGE)
      .fork()
      .uint32(FIELD_1_NUMBER)
      .int64(rejected)
      .uint32(FIELD_2_TEXT)
      .string(message)
      .ldelim();
  return Buffer.from(writer.finish());
}

/**
 * What an ExportTraceServiceResponse has no field for. In the head of the answer: SDKs write a warning
 * for each answer that has a message.
 */
export const SPANS_HEADER = 'Downbeat-Spans';

export const spansHeader = ({ kept, undecided, rejected }: TakenSpans): string =>
  `kept=${kept}, undecided=${undecided}, refused=${rejected}`;

/** A google.rpc.Status: what OTLP over HTTP answers when nothing was taken. */
export function statusResponse(code: number, message: string, type: OtlpType): Buffer {
  if (type === 'application/json') return Buffer.from(JSON.stringify({ code, message }));
  const writer = Writer.create();
  writer.uint32(FIELD_1_NUMBER).int32(code).uint32(FIELD_2_TEXT).string(message);
  return Buffer.from(writer.finish());
}

/** Number of the field, and how it is written: see "Message Structure" of protobuf's encoding. */
const FIELD_1_NUMBER = (1 << 3) | 0;
const FIELD_1_MESSAGE = (1 << 3) | 2;
const FIELD_2_TEXT = (2 << 3) | 2;
