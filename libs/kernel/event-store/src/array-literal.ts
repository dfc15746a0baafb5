/** Postgres' text form of arrays, written by hand: the driver's own took a third of an append's CPU time in the process. */
export const intArray = (values: readonly (number | undefined)[]): string =>
  `{${values.map((value) => value ?? 'NULL').join(',')}}`;

export const textArray = (values: readonly (string | undefined)[]): string =>
  `{${values.map((value) => (value === undefined ? 'NULL' : quoted(value))).join(',')}}`;

const TO_ESCAPE = /["\\]/g;

const quoted = (value: string): string => `"${value.replace(TO_ESCAPE, '\\$&')}"`;
