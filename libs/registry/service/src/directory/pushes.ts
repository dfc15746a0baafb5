import type { registryContract } from '@downbeat/contracts';

type Entry = registryContract.DirectoryEntry;

/** A NATS message holds 1 MB; smaller ones do not keep others waiting. */
const PUSH_BYTES_MAX = 256 * 1024;

/**
 * What tells callers of changes after one revision, in messages of a bounded size. An entry that is
 * larger than that by itself is left out: callers find the gap and ask for it.
 *
 * @param entries In the order of their revisions.
 */
export function pushesOf(
  entries: readonly Entry[],
  after: number,
  revision: number,
): readonly registryContract.DirectoryPush[] {
  const pushes: registryContract.DirectoryPush[] = [];
  let services: Entry[] = [];
  let bytes = 0;
  let begin = after;
  for (const entry of entries) {
    const size = JSON.stringify(entry).length;
    const last = services.at(-1);
    if (last && bytes + size > PUSH_BYTES_MAX) {
      pushes.push({ after: begin, revision: last.revision, services });
      begin = last.revision;
      services = [];
      bytes = 0;
    }
    if (size > PUSH_BYTES_MAX) begin = entry.revision;
    else {
      services.push(entry);
      bytes += size;
    }
  }
  return [...pushes, { after: begin, revision, services }];
}

/**
 * An entry that fits into a message. One that does not loses who is not offered, and then targets: fewer of a
 * service that has too many is better than nothing of all services, which an answer that cannot be sent would be.
 */
export function cutTo(entry: Entry, bytesMax: number): Entry {
  if (bytesOf(entry) <= bytesMax) return entry;
  const { unoffered: _, ...offered } = entry;
  return cutTargets(offered, bytesMax);
}

function cutTargets(entry: Entry, bytesMax: number): Entry {
  // Between n of them stand n - 1 commas.
  let bytes = bytesOf({ ...entry, targets: [] }) - 1;
  const end = entry.targets.findIndex((target) => (bytes += bytesOf(target) + 1) > bytesMax);
  return end < 0 ? entry : { ...entry, targets: entry.targets.slice(0, end) };
}

const bytesOf = (value: object): number => Buffer.byteLength(JSON.stringify(value));

/** The first entries that fit, and one at least. */
export function upToBytes(entries: readonly Entry[], bytesMax: number): Entry[] {
  let bytes = 0;
  const end = entries.findIndex((entry) => (bytes += JSON.stringify(entry).length) > bytesMax);
  return end < 0 ? [...entries] : entries.slice(0, Math.max(1, end));
}
