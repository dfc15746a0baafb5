import { fieldsIn, specifiedEndpoints, titleOf, type SpecifiedEndpoint } from '@downbeat/contracts';
import { API_PATH, contractRoutes } from '../http/route-table';

/** Where each of them is called on a running suite, and its fields are looked for. */
const TEST = 'tests/specified-endpoints.e2e.spec.ts';

/** Those that this release answers. */
export const isServed = ({ method, path }: SpecifiedEndpoint): boolean =>
  contractRoutes.some((route) => route.method === method && route.path === `${API_PATH}${path}`);

/** `docs/api-coverage.md`: what the specification asks for, and what there is of it. */
export function coveragePage(): string {
  const served = specifiedEndpoints.filter(isServed);
  return [
    '# What there is of the specification',
    '<!-- Made from libs/contracts by apps/gateway/src/documents; do not edit. -->',
    `The specification of the suite names ${specifiedEndpoints.length} endpoints below \`${API_PATH}\`; ${served.length} are served. A test calls
each of those on a running suite with every field that it may be asked with, and looks for every
field that it has to answer. The suite has [more than these](messages.md).`,
    table(specifiedEndpoints),
  ].join('\n\n');
}

function table(endpoints: readonly SpecifiedEndpoint[]): string {
  const rows = endpoints.map((endpoint) => {
    const [asks, answers] = [endpoint.asks, endpoint.answers].map((one) => fieldsIn(one).length);
    const state = isServed(endpoint) ? ['yes', `[${TEST.slice(6)}](../${TEST})`] : ['not yet', ''];
    return `| \`${titleOf(endpoint)}\` | ${asks} | ${answers} | ${state.join(' | ')} |`;
  });
  const head = '| Endpoint | Fields asked | Fields answered | Served | Test |';
  return [head, '| --- | --- | --- | --- | --- |', ...rows, ''].join('\n');
}
