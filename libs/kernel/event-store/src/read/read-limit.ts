const READ_LIMIT = 1_000;
const READ_LIMIT_MAX = 10_000;

/** @throws {RangeError} Not an integer from 1 to 10,000. */
export function readLimit(limit: number = READ_LIMIT): number {
  if (!Number.isInteger(limit) || limit < 1 || limit > READ_LIMIT_MAX)
    throw new RangeError(`a read takes 1 to ${READ_LIMIT_MAX} positions`);
  return limit;
}
