import type { QueryContract } from '@downbeat/contracts';
import type { Problem } from '@downbeat/message-bus';
import { isCommand, type ContractRoute } from '../http/route-table';

const FORETOLD =
  'it foretells what a command would do, run by run from their own events: ask again when you are about to send the command';

/** Queries whose answer is no view, and what to do instead. */
export const NOT_WATCHED: Readonly<Record<string, string>> = {
  'list-events':
    'it is the log itself: follow it at /api/orchestration/stream, which repeats nothing',
  'preview-bulk-operation': FORETOLD,
  'preview-migration': FORETOLD,
  'preview-retention': FORETOLD,
};

export const isQueryByGet = (route: ContractRoute): route is ContractRoute<QueryContract> =>
  route.method === 'GET' && !isCommand(route);

export const isWatched = (route: ContractRoute): boolean =>
  isQueryByGet(route) && NOT_WATCHED[route.contract.name] === undefined;

export const notWatched = ({ contract }: ContractRoute): Problem => ({
  code: 'no-view',
  message: `this cannot be followed: ${NOT_WATCHED[contract.name]}`,
  kind: 'invalid',
});
