/**
 * Orders semantic versions: negative when `a` comes before `b`. A pre-release comes before its release.
 *
 * @see Semantic Versioning 2.0.0, section 11.
 */
export function compareVersions(a: string, b: string): number {
  const [coreA = '', preA] = split(a);
  const [coreB = '', preB] = split(b);
  return compareParts(coreA, coreB) || comparePre(preA, preB);
}

/** The version a start without a version means: the highest release, else the highest of all. */
export function latestVersion(versions: Iterable<string>): string | undefined {
  const sorted = [...versions].sort(compareVersions);
  return sorted.findLast((version) => !version.includes('-')) ?? sorted.at(-1);
}

function split(version: string): readonly [string, string | undefined] {
  const dash = version.indexOf('-');
  return dash < 0 ? [version, undefined] : [version.slice(0, dash), version.slice(dash + 1)];
}

function comparePre(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return compareParts(a, b);
}

function compareParts(a: string, b: string): number {
  const [left, right] = [a.split('.'), b.split('.')];
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const order = comparePart(left[index], right[index]);
    if (order !== 0) return order;
  }
  return 0;
}

/** Numbers by value and before text; fewer parts before more. */
function comparePart(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
  const [isNumberA, isNumberB] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (isNumberA !== isNumberB) return isNumberA ? -1 : 1;
  if (!isNumberA) return a < b ? -1 : Number(a > b);
  return a.length - b.length || (a < b ? -1 : Number(a > b));
}
