/** What a server of NATS takes by default is 1 MiB, envelope included. */
const ANSWER_BYTES_MAX = 1_000_000;
const VALUE_LENGTHS_MAX = [16_384, 1_024, 128] as const;

/**
 * The answer itself, or, when it is too long to be sent, with its largest values left out: each is
 * replaced by `{ omitted_characters }`. The events have them all.
 */
export function thatFits<Answer>(answer: Answer): unknown {
  let shown: unknown = answer;
  for (const lengthMax of VALUE_LENGTHS_MAX) {
    if (Buffer.byteLength(JSON.stringify(shown)) <= ANSWER_BYTES_MAX) return shown;
    shown = shortened(answer, lengthMax);
  }
  return shown;
}

/** Looks into lists and objects down to the values people wrote: inputs, outputs, contexts, details. */
function shortened(value: unknown, lengthMax: number, depth = 0): unknown {
  if (Array.isArray(value)) return value.map((one) => shortened(one, lengthMax, depth + 1));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (depth === 0) return [key, shortened(inner, lengthMax, depth + 1)];
      const { length } = JSON.stringify(inner) ?? '';
      return [key, length > lengthMax ? { omitted_characters: length } : inner];
    }),
  );
}
