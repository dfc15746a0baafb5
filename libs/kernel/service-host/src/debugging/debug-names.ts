import { CONTEXTS } from '@downbeat/event-store';

/** What every context can be asked to tell of. */
export const CONTEXT_TOPICS = [
  'commands',
  'events',
  'publications',
  'queries',
  'read-models',
] as const;

/** What only one part of the suite does. */
const OTHER_NAMES = ['downbeat:gateway:requests', 'downbeat:saga:calls', 'downbeat:health:checks'];

/** Everything that can be named in `DEBUG`, as `downbeat:<part>:<what>`. */
export const DEBUG_NAMES: readonly string[] = [
  ...CONTEXTS.flatMap((context) => CONTEXT_TOPICS.map((topic) => `downbeat:${context}:${topic}`)),
  ...OTHER_NAMES,
];

/** The same for people. */
export const DEBUG_NAMES_SAID = [
  `downbeat:<${CONTEXTS.join('|')}>`,
  `downbeat:<context>:<${CONTEXT_TOPICS.join('|')}>`,
  ...OTHER_NAMES,
].join(', ');

/**
 * Whether `DEBUG` turns a name on: patterns joined by commas or spaces, `*` stands for anything, `-`
 * in front takes away. `downbeat:registry` stands for all of the registry.
 *
 * @see The `debug` package of npm, whose variable it is: a pattern of it means the same here.
 */
export function isTurnedOn(patterns: string, name: string): boolean {
  const those = patternsOf(patterns).filter((pattern) => isNamedBy(bare(pattern), name));
  return those.length > 0 && !those.some(takesAway);
}

/** The patterns that name nothing of the suite though they begin as its names do: others may belong to a library. */
export const namingNothing = (patterns: string): readonly string[] =>
  patternsOf(patterns).filter(
    (pattern) =>
      /^downbeat(?=[:*]|$)/.test(bare(pattern)) &&
      !DEBUG_NAMES.some((name) => isNamedBy(bare(pattern), name)),
  );

const patternsOf = (text: string): readonly string[] => text.split(/[\s,]+/).filter(Boolean);
const takesAway = (pattern: string): boolean => pattern.startsWith('-');
const bare = (pattern: string): string => (takesAway(pattern) ? pattern.slice(1) : pattern);

/** One side of a `*` after the other, so that no pattern can be made that takes long. */
function isNamedBy(pattern: string, name: string): boolean {
  const [first = '', ...others] = pattern.split('*');
  if (others.length === 0) return name === first || name.startsWith(`${first}:`);
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const part of others.slice(0, -1)) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  const last = others.at(-1) ?? '';
  return name.length - last.length >= at && name.endsWith(last);
}
