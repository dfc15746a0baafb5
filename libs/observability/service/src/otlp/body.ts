import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Place } from './intake';
import { RequestRefused } from './request-refused';

/** As it comes over the wire. SDKs send 512 spans at once, some 200 KB; collectors 8,192. */
export const BODY_BYTES_MAX = 4 * 2 ** 20;
/** Unpacked: what an exporter holds at once is no larger, however well it packs. */
export const UNPACKED_BYTES_MAX = 4 * 2 ** 20;
/** What a client still sends after its body was found too large is read and dropped up to here, so that it sees the answer. */
const DISCARDED_BYTES_MAX = 8 * BODY_BYTES_MAX;

/** From its first byte to its last; exporters wait for ten seconds altogether. */
const BODY_MS_MAX = 5_000;
const RETRY_AFTER_SECONDS = 1;

const unpack = promisify(gunzip);

/** The client went away before its request was complete, or was looked at; nobody is left to answer. */
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
 * @throws {RequestRefused} It is too large, too slow, or packed in another way. @throws {RequestAborted}
 */
export async function readBody(request: IncomingMessage, place: Place): Promise<PackedBody> {
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  const bytes = await readWhole(request, place);
  place.hasCome();
  if (!bytes) throw tooLarge(BODY_BYTES_MAX, '');
  if (encoding !== 'identity' && encoding !== 'gzip')
    throw new RequestRefused(415, 'Content-Encoding must be gzip or identity');
  return { bytes, isPacked: encoding === 'gzip' };
}

/** @throws {RequestRefused} It is too large, or not packed as it says. */
export async function unpacked({ bytes, isPacked }: PackedBody, place: Place): Promise<Buffer> {
  if (!isPacked) return bytes;
  try {
    const whole = await unpack(bytes, { maxOutputLength: UNPACKED_BYTES_MAX });
    place.hold(whole.length);
    return whole;
  } catch (fault) {
    if (fault instanceof RequestRefused) throw fault;
    const { code } = fault as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(UNPACKED_BYTES_MAX, ' unpacked');
    if (code?.startsWith('Z_') !== true) throw fault;
    throw new RequestRefused(400, 'the body is not gzip, as Content-Encoding says');
  }
}

/** Who was slow, the client or this process, nobody knows; after 408 exporters would give their spans up. */
const tooLate = (): RequestRefused =>
  new RequestRefused(
    503,
    `the body did not arrive within ${BODY_MS_MAX / 1_000} s: send it again`,
    RETRY_AFTER_SECONDS,
  );

const tooLarge = (bytes: number, how: string): RequestRefused =>
  new RequestRefused(
    413,
    `the body is larger than ${bytes / 2 ** 20} MiB${how}: send fewer spans at once`,
  );

/** All bytes; undefined when they are more than is taken. */
async function readWhole(request: IncomingMessage, place: Place): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const lateness = new AbortController();
  const timer = setTimeout(() => lateness.abort(), BODY_MS_MAX);
  try {
    for await (const chunk of chunksOf(request, lateness.signal)) {
      bytes += chunk.length;
      if (bytes <= BODY_BYTES_MAX) {
        place.hold(chunk.length);
        chunks.push(chunk);
      } else if (bytes > DISCARDED_BYTES_MAX) break;
    }
  } catch (fault) {
    if (fault instanceof RequestRefused) throw fault;
    if (lateness.signal.aborted) throw tooLate();
    throw new RequestAborted('the request was not sent to its end', { cause: fault });
  } finally {
    clearTimeout(timer);
  }
  return bytes > BODY_BYTES_MAX ? undefined : Buffer.concat(chunks);
}

/** Until it ends or `late` says so. Breaking off must not destroy the connection: the answer still has to go out on it. */
async function* chunksOf(request: IncomingMessage, late: AbortSignal): AsyncGenerator<Buffer> {
  const chunks = request.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
  const tooLate = new Promise<never>((_, reject) => {
    late.addEventListener('abort', () => reject(new Error('too late')), { once: true });
  });
  for (;;) {
    const next = await Promise.race([chunks.next(), tooLate]);
    if (next.done === true) return;
    yield next.value;
  }
}
