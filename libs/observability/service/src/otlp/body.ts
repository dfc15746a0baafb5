import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { RequestRefused } from './request-refused';

/** As it comes over the wire. SDKs send 512 spans at once, some 200 KB; collectors 8,192. */
export const BODY_BYTES_MAX = 4 * 2 ** 20;
/** Unpacked: what an exporter holds at once is no larger, however well it packs. */
export const UNPACKED_BYTES_MAX = 4 * 2 ** 20;
/** What a client still sends after its body was found too large is read and dropped up to here, so that it sees the answer. */
const DISCARDED_BYTES_MAX = 8 * BODY_BYTES_MAX;

const unpack = promisify(gunzip);

/** The client went away before its request was complete; nobody is left to answer. */
export class RequestAborted extends Error {
  override readonly name = 'RequestAborted';
}

/** As it came over the wire. */
export interface PackedBody {
  readonly bytes: Buffer;
  readonly isPacked: boolean;
}

/**
 * The body of a request, still packed.
 *
 * @throws {RequestRefused} It is too large, or packed in another way. @throws {RequestAborted}
 */
export async function readBody(request: IncomingMessage): Promise<PackedBody> {
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  const bytes = await readWhole(request);
  if (!bytes) throw tooLarge(BODY_BYTES_MAX, '');
  if (encoding !== 'identity' && encoding !== 'gzip')
    throw new RequestRefused(415, 'Content-Encoding must be gzip or identity');
  return { bytes, isPacked: encoding === 'gzip' };
}

/** @throws {RequestRefused} It is too large, or not packed as it says. */
export async function unpacked({ bytes, isPacked }: PackedBody): Promise<Buffer> {
  if (!isPacked) return bytes;
  try {
    return await unpack(bytes, { maxOutputLength: UNPACKED_BYTES_MAX });
  } catch (fault) {
    const { code } = fault as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(UNPACKED_BYTES_MAX, ' unpacked');
    if (code?.startsWith('Z_') !== true) throw fault;
    throw new RequestRefused(400, 'the body is not gzip, as Content-Encoding says');
  }
}

const tooLarge = (bytes: number, how: string): RequestRefused =>
  new RequestRefused(
    413,
    `the body is larger than ${bytes / 2 ** 20} MiB${how}: send fewer spans at once`,
  );

/** All bytes; undefined when they are more than is taken. */
async function readWhole(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    // Breaking off must not destroy the connection: the answer still has to go out on it.
    for await (const chunk of request.iterator({
      destroyOnReturn: false,
    }) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes <= BODY_BYTES_MAX) chunks.push(chunk);
      else if (bytes > DISCARDED_BYTES_MAX) break;
    }
  } catch (fault) {
    throw new RequestAborted('the request was not sent to its end', { cause: fault });
  }
  return bytes > BODY_BYTES_MAX ? undefined : Buffer.concat(chunks);
}
