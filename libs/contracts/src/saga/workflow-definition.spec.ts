import { validate } from '../validate';
import { isOwnSubject, workflowDefinition } from './workflow-definition';

const definition = (endpoint: string) => ({
  name: 'order-goods',
  steps: [{ name: 'reserve', type: 'service_call', service_name: 'stock', endpoint }],
});
const errorsOf = (endpoint: string) => {
  const valid = validate(workflowDefinition, definition(endpoint));
  return 'value' in valid ? [] : valid.errors.map(({ field }) => field);
};

describe('an endpoint', () => {
  it.each([
    '/holds',
    '/',
    '/v1.2/holds..old/.well-known/x',
    'nats:service.stock.reserve',
    'nats:stock',
    'nats:commands.x',
    'nats:my.command.x',
    'nats:INBOX.x',
  ])('may be %s', (endpoint) => expect(errorsOf(endpoint)).toEqual([]));

  it.each([
    'nats:command.registry.RegisterService.by-saga',
    'nats:command',
    'nats:event.saga.WorkflowCompleted.x',
    'nats:query.saga.status',
    'nats:retry.saga-commands.x',
    'nats:hint.log.x',
    'nats:desk.saga',
    'nats:evidence.audit.heads',
    'nats:_INBOX.saga.1',
    'nats:_INBOX_ann.1',
    'nats:$JS.API.STREAM.PURGE.event-saga',
    'nats:',
    'nats:a.*',
    'http://stock/holds',
    '/..',
    '/../x',
    '/a/./b',
    '/a/%2e%2E/b',
    '/a\\..\\b',
  ])('may not be %s, which is said with its place', (endpoint) =>
    expect(errorsOf(endpoint)).toEqual(['steps.0.endpoint']),
  );

  it('is told from the subjects of the suite wherever one is asked', () => {
    for (const own of ['$SYS.x', '_INBOX.x', 'desk.saga', 'command'])
      expect(isOwnSubject(own)).toBe(true);
    for (const other of ['service.x', 'commands.x', 'x.command'])
      expect(isOwnSubject(other)).toBe(false);
  });
});
