/**
 * The two messages of `grpc.health.v1.Health/Check`, framed as gRPC does: one byte "not compressed",
 * four bytes length, the message.
 *
 * @see gRPC over HTTP/2; GRPC Health Checking Protocol; Protocol Buffers, "Encoding".
 */
export const GRPC_HEALTH_PATH = '/grpc.health.v1.Health/Check';

const HEADER_BYTES = 5;
const VARINT = 0;
const LENGTH_DELIMITED = 2;
const STATUS_FIELD = 1;

const STATUSES = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const;
export type ServingStatus = (typeof STATUSES)[number];

/** `HealthCheckRequest { string service = 1; }` */
export function healthCheckRequest(service = ''): Buffer {
  const name = Buffer.from(service);
  const field = name.length === 0 ? [] : [Buffer.from([0x0a, ...varint(name.length)]), name];
  const message = Buffer.concat(field);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

/** `HealthCheckResponse { ServingStatus status = 1; }` @returns Undefined for what is no such message. */
export function servingStatusOf(frame: Buffer): ServingStatus | undefined {
  if (frame.length < HEADER_BYTES || frame[0] !== 0) return undefined;
  if (frame.readUInt32BE(1) !== frame.length - HEADER_BYTES) return undefined;
  let at = HEADER_BYTES;
  let status = 0;
  const next = (): number => {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = frame[at++];
      if (byte === undefined) return -1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return -1;
  };
  while (at < frame.length) {
    const tag = next();
    const value = next();
    if (tag < 0 || value < 0) return undefined;
    const type = tag & 7;
    if (type === VARINT && tag >>> 3 === STATUS_FIELD) status = value;
    else if (type === LENGTH_DELIMITED) at += value;
    else if (type !== VARINT) return undefined;
  }
  return at === frame.length ? STATUSES[status] : undefined;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 0x7f; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  return [...bytes, value];
}
