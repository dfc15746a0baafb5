import { checkUntrusted } from '@downbeat/contracts';
import { Rejection, type Json } from '@downbeat/eventsourcing';
import { Composer, Lexer, Parser, type CST, type Document } from 'yaml';

const YAML_LENGTH_MAX = 262_144;
const LEXEMES_MAX = 60_000;
const NESTING_MAX = 64;
/** The library looks for duplicate keys by comparing each with each. */
const ENTRIES_MAX = 1_000;
const ALIASES_MAX = 50;

/**
 * Parses one document of YAML 1.2 with the core schema: no tags, no merge keys, no duplicate keys,
 * at most 256 KiB, 1,000 entries at one place and 50 aliases, and the depth and keys of JSON from
 * outside. No document is an empty object.
 */
export function parseUntrustedYaml(text: string): { readonly value: Json } | Rejection {
  if (text.length > YAML_LENGTH_MAX)
    return new Rejection('body-too-large', 'a YAML body is at most 256 KiB', 'invalid', [
      { field: '', message: 'must be at most 256 KiB of YAML' },
    ]);
  const tokens = tokensOf(text);
  if (tokens instanceof Rejection) return tokens;
  const [document, second] = compose(tokens);
  if (second) return malformed('it has more than one document');
  if (!document) return { value: {} };
  const [error] = [...document.errors, ...document.warnings];
  if (error) return malformed(`at character ${error.pos[0]}: ${error.message}`);
  try {
    const value = document.toJS({ maxAliasCount: ALIASES_MAX }) as Json;
    return checkUntrusted(value) ?? { value };
  } catch (fault) {
    // What the library throws for too many aliases, and for unknown ones.
    if (!(fault instanceof ReferenceError)) throw fault;
    return malformed(fault.message);
  }
}

/**
 * The first half of parsing keeps its own stack; the second half recurses, and deep input ends the
 * process there (V8 runs out of stack inside its regular-expression compiler). So depth is bounded here.
 */
function tokensOf(text: string): readonly CST.Token[] | Rejection {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  let lexemes = 0;
  for (const lexeme of new Lexer().lex(text)) {
    tokens.push(...parser.next(lexeme));
    if (++lexemes > LEXEMES_MAX) return malformed(`it has more than ${LEXEMES_MAX} tokens`);
    if (parser.stack.length > NESTING_MAX) return malformed('it is nested too deep');
    const top = parser.stack.at(-1);
    if (top && 'items' in top && top.items.length > ENTRIES_MAX)
      return malformed(`it has more than ${ENTRIES_MAX} entries at one place`);
  }
  tokens.push(...parser.end());
  return tokens;
}

const compose = (tokens: readonly CST.Token[]): readonly Document[] =>
  [
    ...new Composer({
      version: '1.2',
      schema: 'core',
      customTags: null,
      resolveKnownTags: false,
      merge: false,
      uniqueKeys: true,
      stringKeys: true,
      prettyErrors: false,
      logLevel: 'silent',
    }).compose(tokens),
  ] as readonly Document[];

const malformed = (why: string): Rejection => {
  const message = `is not YAML that can be used: ${why.replace(/\s+/g, ' ').slice(0, 200)}`;
  return new Rejection('malformed-body', `the body ${message}`, 'invalid', [
    { field: '', message },
  ]);
};
