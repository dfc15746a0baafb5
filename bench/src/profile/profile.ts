import { isAbsolute, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Node {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    /** From 0. */
    readonly lineNumber: number;
  };
  readonly children?: readonly number[];
}

/** V8's format, as far as it is read here. Times in µs. */
export interface CpuProfile {
  readonly nodes: readonly Node[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface Share {
  readonly name: string;
  /** From 0 to 1, of the time the process was not idle. */
  readonly share: number;
}

export interface FunctionShare extends Share {
  /** File and line in the workspace; for what Node provides, the function that called it. */
  readonly place: string;
}

/** Where one process spent its CPU time; self times, summed up. */
export interface Profile {
  readonly process: string;
  /** With what Node and V8 did for them. */
  readonly libraries: readonly Share[];
  readonly functions: readonly FunctionShare[];
  /** What Postgres did meanwhile, by the connection it did it for. */
  readonly connections: readonly { readonly name: string; readonly usPerRun: number }[];
}

const IDLE = '(idle)';
const PROFILER = '/profile/preload.js';
const LIBRARIES_SHOWN = 16;
const FUNCTIONS_KEPT = 60;

export function summarize(
  process: string,
  { nodes, samples, timeDeltas }: CpuProfile,
  workspace: string,
): Omit<Profile, 'connections'> {
  const selfUs = new Map<number, number>();
  samples.forEach((id, index) => {
    selfUs.set(id, (selfUs.get(id) ?? 0) + (timeDeltas[index] ?? 0));
  });
  const callers = callersOf(nodes);
  const isOfProfiler = ({ id }: Node) => callers.get(id)?.callFrame.url.endsWith(PROFILER) ?? false;
  const busy = nodes.filter((node) => node.callFrame.functionName !== IDLE && !isOfProfiler(node));
  const busyUs = busy.reduce((sum, { id }) => sum + (selfUs.get(id) ?? 0), 0);

  const libraries = new Map<string, number>();
  const functions = new Map<string, FunctionShare>();
  for (const node of busy) {
    const share = (selfUs.get(node.id) ?? 0) / busyUs;
    if (share === 0) continue;
    const caller = callers.get(node.id);
    const library = libraryOf(node, caller, workspace);
    libraries.set(library, (libraries.get(library) ?? 0) + share);
    const name = node.callFrame.functionName || '(anonymous)';
    const place = placeOf(node, caller, workspace);
    const known = functions.get(`${name} ${place}`)?.share ?? 0;
    functions.set(`${name} ${place}`, { name, place, share: known + share });
  }
  const byShare = (a: Share, b: Share) => b.share - a.share;
  const named = [...libraries].map(([name, share]) => ({ name, share }));
  return {
    process,
    libraries: named.sort(byShare).slice(0, LIBRARIES_SHOWN),
    functions: [...functions.values()].sort(byShare).slice(0, FUNCTIONS_KEPT),
  };
}

export const percentOf = (share: number): string => `${(share * 100).toFixed(1)} %`;

const isProvided = ({ callFrame: { url } }: Node): boolean => url === '' || url.startsWith('node:');

/** For each node the nearest function above it, or itself, that Node does not provide. */
function callersOf(nodes: readonly Node[]): ReadonlyMap<number, Node> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const callers = new Map<number, Node>();
  // Parents come before their children in V8's list.
  for (const node of nodes) {
    if (!isProvided(node)) callers.set(node.id, node);
    const caller = callers.get(node.id);
    for (const id of node.children ?? []) {
      const child = byId.get(id);
      if (child && caller) callers.set(id, caller);
    }
  }
  return callers;
}

function libraryOf({ callFrame }: Node, caller: Node | undefined, workspace: string): string {
  if (callFrame.functionName === '(garbage collector)') return 'garbage collection';
  // Neither JavaScript nor called by it: the event loop, reading sockets, compiling.
  if (callFrame.functionName === '(program)') return 'native code';
  if (!caller) return 'node, for nobody in particular';
  const path = pathOf(caller.callFrame.url, workspace);
  const packaged = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1];
  return packaged ?? path.replace(/\/(dist|src)\/.*$/, '');
}

function placeOf(node: Node, caller: Node | undefined, workspace: string): string {
  if (!caller) return node.callFrame.url;
  const { functionName, url, lineNumber } = caller.callFrame;
  const path = pathOf(url, workspace).replace(/^.*node_modules\//, '');
  const place = `${path}:${lineNumber + 1}`;
  return caller === node ? place : `for ${functionName || '(anonymous)'}, ${place}`;
}

function pathOf(url: string, workspace: string): string {
  const path = url.startsWith('file:') ? fileURLToPath(url) : url;
  return isAbsolute(path) ? relative(workspace, path) : path;
}
