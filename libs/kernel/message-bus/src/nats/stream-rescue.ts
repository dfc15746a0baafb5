import { NatsError, type JetStreamManager, type MsgHdrs, type NatsConnection } from 'nats';
import { HEADER } from '../headers';
import { headersOf } from './nats-arrival';
import { natsHeaders } from './wire';

/** More than this is left behind: it was stored, but nobody was told that it was accepted. */
const RESCUED_MAX = 20_000;

/** A message that a stream still has in memory, on its way to the stream that takes its place. */
export interface Rescued {
  /** Where it stood, and since when. */
  readonly seq: number;
  readonly storedAt: number;
  readonly subject: string;
  readonly headers: MsgHdrs;
  readonly data: Uint8Array;
}

/**
 * Reads what a work queue whose files are gone still holds in memory, oldest first. A message
 * without an id of its own gets the one it had by its place, so that it stays the same message.
 */
export async function rescue(
  manager: JetStreamManager,
  stream: string,
  streamCreated: string,
  from = 1,
): Promise<readonly Rescued[]> {
  const rescued: Rescued[] = [];
  let seq = from;
  while (rescued.length < RESCUED_MAX) {
    const query = { seq, next_by_subj: '>' };
    try {
      const found = await manager.streams.getMessage(stream, query);
      rescued.push({
        seq: found.seq,
        storedAt: found.time.getTime(),
        subject: found.subject,
        headers: natsHeaders({
          [HEADER.originalId]: `${streamCreated}:${found.seq}`,
          ...headersOf(found.header),
          ...originalIdOf(found.header),
        }),
        data: found.data,
      });
      seq = found.seq + 1;
    } catch (fault) {
      if (fault instanceof NatsError) return rescued;
      throw fault;
    }
  }
  return rescued;
}

/** Its own message id stays its id. */
function originalIdOf(headers: MsgHdrs | undefined): Readonly<Record<string, string>> {
  const own = headers?.get(HEADER.originalId) || headers?.get(HEADER.messageId);
  return own ? { [HEADER.originalId]: own } : {};
}

/** Those that are not among what a stream holds. */
export function missingOf(
  rescued: readonly Rescued[],
  held: readonly Rescued[],
): readonly Rescued[] {
  const idOf = ({ subject, headers }: Rescued): string =>
    `${subject} ${headers.get(HEADER.originalId)}`;
  const ids = new Set(held.map(idOf));
  return rescued.filter((one) => !ids.has(idOf(one)));
}

/** Puts them on the stream again. */
export async function putBack(nats: NatsConnection, rescued: readonly Rescued[]): Promise<void> {
  for (const { subject, headers, data } of rescued) nats.publish(subject, data, { headers });
  await nats.flush();
}
