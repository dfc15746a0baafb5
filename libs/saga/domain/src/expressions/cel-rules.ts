import type { ASTNode } from '@marcbachmann/cel-js';

/**
 * What of CEL may be used. Left out: `matches` (a regular expression from a user can hang the
 * process), time zones (they depend on the machine), bytes, and `cel.bind`, with which a short
 * expression can double a list a hundred times.
 */
const FUNCTIONS: ReadonlySet<string> = new Set(
  (
    'size has string int double bool dyn timestamp duration contains startsWith endsWith ' +
    'lowerAscii upperAscii trim indexOf lastIndexOf substring split join'
  ).split(' '),
);
const TIME_PARTS: ReadonlySet<string> = new Set(
  (
    'getFullYear getMonth getDate getDayOfMonth getDayOfWeek getHours getMinutes getSeconds ' +
    'getMilliseconds'
  ).split(' '),
);
const LOOPS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);

/** Constants of CEL, which hide a key of the same name. */
const CONSTANTS: ReadonlySet<string> = new Set(
  'bool int uint double string bytes list map type null_type cel google optional'.split(' '),
);

const NODES_MAX = 250;
const LOOPS_MAX = 4;
/** Each one can append a list, and inside a loop once for every element. */
const ADDITIONS_MAX = 50;
const ADDITIONS_IN_LOOP_MAX = 3;
const LOOP_COST_MAX = 1_500_000;
const ADDITION_COST_MAX = 4_000_000;
/** More than a context holds. */
const ANY_DATA = 500_000;

export interface Reads {
  /** Select chains on names from outside: `booking.amount` → `['booking', 'amount']`. */
  readonly paths: readonly (readonly string[])[];
  /** Parts of data it may read, so that it costs a bounded time; absent when any amount will do. */
  readonly dataNodesMax: number | undefined;
}

/** @returns What the expression reads, or the rule it breaks. */
export function checkRules(ast: ASTNode): Reads | { readonly message: string } {
  const walk = new Walk();
  walk.visit(ast, []);
  if (walk.refusal !== undefined) return { message: walk.refusal };
  return { paths: walk.paths, dataNodesMax: walk.dataNodesMax };
}

class Walk {
  refusal: string | undefined;
  readonly paths: (readonly string[])[] = [];
  loops = 0;
  private nodes = 0;
  private additions = 0;
  private additionsInLoops = 0;

  /**
   * A loop costs the square of its data, and each addition inside can double every element; a chain
   * of additions copies the first list again with each further one. Limits were chosen so that the
   * worst expressions found took less than 0.3 s on 2 shared cores.
   */
  get dataNodesMax(): number | undefined {
    if (this.loops > 0) return Math.floor(Math.sqrt(LOOP_COST_MAX / 2 ** this.additionsInLoops));
    const nodesMax = Math.floor(ADDITION_COST_MAX / this.additions ** 2);
    return nodesMax < ANY_DATA ? nodesMax : undefined;
  }

  visit(node: ASTNode, bound: readonly string[]): void {
    if (++this.nodes > NODES_MAX) this.refuse(`has more than ${NODES_MAX} parts`);
    if (this.refusal !== undefined) return;
    const path = pathOf(node);
    if (path) return this.read(path, bound);
    switch (node.op) {
      case 'call':
        if (!FUNCTIONS.has(node.args[0])) this.refuse(`the function ${node.args[0]} is not known`);
        return this.visitAll(node.args[1], bound);
      case 'rcall':
        return this.receiverCall(...node.args, bound);
      case '+':
        if (++this.additions > ADDITIONS_MAX)
          this.refuse(`has more than ${ADDITIONS_MAX} additions`);
        if (bound.length > 0 && ++this.additionsInLoops > ADDITIONS_IN_LOOP_MAX)
          this.refuse(`has more than ${ADDITIONS_IN_LOOP_MAX} additions inside a loop`);
        return this.visitAll(node.args, bound);
      case 'map':
        for (const entry of node.args) this.visitAll(entry, bound);
        return;
      case '.':
      case '.?':
        return this.visit(node.args[0], bound);
      case '!_':
      case '-_':
        return this.visit(node.args, bound);
      case 'value':
      case 'id':
        return;
      case 'list':
      case '?:':
      case '[]':
      case '[?]':
      case '||':
      case '&&':
      case '==':
      case '!=':
      case 'in':
      case '-':
      case '*':
      case '/':
      case '%':
      case '<':
      case '<=':
      case '>':
      case '>=':
        return this.visitAll(node.args, bound);
    }
  }

  private visitAll(nodes: readonly ASTNode[], bound: readonly string[]): void {
    for (const node of nodes) this.visit(node, bound);
  }

  private receiverCall(
    name: string,
    receiver: ASTNode,
    args: readonly ASTNode[],
    bound: readonly string[],
  ): void {
    this.visit(receiver, bound);
    if (LOOPS.has(name)) return this.loop(name, args, bound);
    if (TIME_PARTS.has(name)) {
      if (args.length > 0) this.refuse(`${name} takes no time zone`);
    } else if (!FUNCTIONS.has(name)) this.refuse(`the function ${name} is not known`);
    if (name === 'split' && bound.length > 0) this.refuse('split cannot be used inside a loop');
    this.visitAll(args, bound);
  }

  private loop(name: string, args: readonly ASTNode[], bound: readonly string[]): void {
    const [variable, ...body] = args;
    if (bound.length > 0) this.refuse(`${name} cannot be used inside another loop`);
    if (++this.loops > LOOPS_MAX) this.refuse(`has more than ${LOOPS_MAX} loops`);
    if (variable?.op !== 'id') return this.refuse(`${name} begins with the name of its variable`);
    this.visitAll(body, [...bound, variable.args]);
  }

  private read(path: readonly string[], bound: readonly string[]): void {
    const [root = ''] = path;
    if (bound.includes(root)) return;
    if (CONSTANTS.has(root)) this.refuse(`${root} is a word of CEL; say context.${root}`);
    if (root === 'context' && path.length === 1)
      this.refuse('context can only be used with a key: context.booking');
    this.paths.push(path);
  }

  private refuse(rule: string): void {
    this.refusal ??= rule;
  }
}

/** `a.b["c"]` → `['a', 'b', 'c']`; `undefined` for anything but a chain of fixed names. */
function pathOf(node: ASTNode): readonly string[] | undefined {
  if (node.op === 'id') return [node.args];
  if (node.op === '.') {
    const inner = pathOf(node.args[0]);
    return inner && [...inner, node.args[1]];
  }
  if (node.op !== '[]') return undefined;
  const [object, index] = node.args;
  if (index.op !== 'value' || typeof index.args !== 'string') return undefined;
  const inner = pathOf(object);
  return inner && [...inner, index.args];
}
