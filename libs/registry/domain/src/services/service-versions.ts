import { parse } from 'semver';

/** What is known of a service's versions when an older one says what it is. */
export interface KnownVersions {
  /** The version that describes the service, and for how long it has. */
  readonly described: string;
  readonly describedForMs: number;
  /** Of its instances, those included that have gone a moment ago. */
  readonly listed: readonly string[];
}

/** Versions that cannot be told apart by age are not older than one another. */
export function isOlder(version: string, other: string): boolean {
  const [older, newer] = [version, other].map((one) => parse(one, { loose: true }));
  return older != null && newer != null && older.compare(newer) < 0;
}

/**
 * The version that describes the service, when it is newer than the one that says what the service is
 * now, and nobody runs it any more: no instance newer than who speaks is listed, and there was time
 * for one to come.
 *
 * @returns undefined while who speaks has no news.
 */
export function abandonedVersion(
  said: string,
  { described, describedForMs, listed }: KnownVersions,
  graceMs: number,
): string | undefined {
  const isFollowed = describedForMs < graceMs || listed.some((one) => isOlder(said, one));
  return isOlder(said, described) && !isFollowed ? described : undefined;
}
