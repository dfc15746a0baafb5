import type { Json, JsonObject } from '@downbeat/eventsourcing';
import { Environment } from '@marcbachmann/cel-js';
import { checkRules } from './cel-rules';
import { jsonOf } from './json-value';
import { lookUp } from './path';
import { rootOf, type Evaluated, type Scope } from './scope';

/** A CEL expression, parsed and checked once. */
export interface Expression {
  readonly source: string;
  /** What it reads, as select chains: `booking.amount` → `['booking', 'amount']`. */
  readonly paths: readonly (readonly string[])[];
  /** `bool` or `dyn` for what may be a condition. */
  readonly type: string;
  readonly evaluate: (scope: Scope) => Evaluated<Json>;
}

const DATA_CHARACTERS_MAX = 16_384;
const SHOWN_PATHS_MAX = 20;
const SHOWN_CHARACTERS_MAX = 200;

const environment = makeEnvironment();

/** @returns The expression, or why it cannot be used. */
export function compileExpression(source: string): Expression | { readonly message: string } {
  let parsed: ReturnType<Environment['parse']>;
  try {
    parsed = environment.parse(source);
  } catch (fault) {
    if (!(fault instanceof Error)) throw fault;
    return { message: `does not parse: ${messageOf(fault)}` };
  }
  const reads = checkRules(parsed.ast);
  if ('message' in reads) return reads;
  const { valid, type = 'dyn', error } = parsed.check();
  if (!valid) return { message: `is not valid: ${error ? messageOf(error) : 'unknown reason'}` };

  const { paths, dataNodesMax } = reads;
  const roots = [...new Set(paths.map(([root = '']) => root))];
  const evaluate = (scope: Scope): Evaluated<Json> => {
    // Only the names it reads, on an object without a prototype: `constructor` finds nothing.
    const variables = Object.create(null) as Record<string, Json | undefined>;
    for (const root of roots) variables[root] = rootOf(scope, root);
    if (dataNodesMax !== undefined && !isSmall(variables, dataNodesMax))
      return { ok: false, message: 'the data is too large for this expression' };
    try {
      return jsonOf(parsed(variables));
    } catch (fault) {
      // The library throws its own errors for what a rule of CEL forbids, and JavaScript's for the rest.
      if (!(fault instanceof Error)) throw fault;
      return { ok: false, message: messageOf(fault) };
    }
  };
  return { source, paths, type, evaluate };
}

/** The plain values an expression looked at, to be shown beside its result. */
export function shownInput(expression: Expression, scope: Scope): JsonObject {
  const shown: Record<string, Json> = {};
  for (const path of expression.paths.slice(0, SHOWN_PATHS_MAX)) {
    const [root = '', ...rest] = path;
    const value = lookUp(rootOf(scope, root), rest);
    if (value === undefined || (value !== null && typeof value === 'object')) continue;
    shown[path.join('.')] =
      typeof value === 'string' ? value.slice(0, SHOWN_CHARACTERS_MAX) : value;
  }
  return shown;
}

/**
 * Numbers of JSON are CEL doubles, literals such as 2 are CEL ints, and standard CEL mixes them in
 * comparisons only. Here they mix in arithmetic too, as a reader of JSON expects.
 */
function makeEnvironment(): Environment {
  const made = new Environment({
    unlistedVariablesAreDyn: true,
    homogeneousAggregateLiterals: false,
    limits: { maxAstNodes: 1_000, maxDepth: 64, maxListElements: 200, maxMapEntries: 200 },
  });
  type Numeric = number | bigint;
  for (const [left, right] of [
    ['double', 'int'],
    ['int', 'double'],
  ]) {
    made.registerOperator(`${left} + ${right}`, (a: Numeric, b: Numeric) => Number(a) + Number(b));
    made.registerOperator(`${left} - ${right}`, (a: Numeric, b: Numeric) => Number(a) - Number(b));
    made.registerOperator(`${left} * ${right}`, (a: Numeric, b: Numeric) => Number(a) * Number(b));
    made.registerOperator(`${left} / ${right}`, (a: Numeric, b: Numeric) => Number(a) / Number(b));
    made.registerOperator(`${left} % ${right}`, (a: Numeric, b: Numeric) => Number(a) % Number(b));
  }
  made.registerOperator('double % double', (a: number, b: number) => a % b);
  return made;
}

function isSmall(data: unknown, nodesMax: number): boolean {
  let nodes = nodesMax;
  let characters = DATA_CHARACTERS_MAX;
  const waiting: unknown[] = [data];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (--nodes < 0) return false;
    if (typeof value === 'string') characters -= value.length;
    else if (value !== null && typeof value === 'object') {
      const inner = Object.values(value);
      if (inner.length > nodes) return false;
      waiting.push(...inner);
    }
    if (characters < 0) return false;
  }
  return true;
}

/** One bounded line. CEL's own errors carry a `summary` beside a message with source excerpts. */
function messageOf(fault: Error): string {
  const text = 'summary' in fault ? String(fault.summary) : fault.message;
  return text.replace(/\s+/g, ' ').slice(0, 300);
}
