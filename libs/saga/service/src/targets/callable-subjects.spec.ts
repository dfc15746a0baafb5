import { workflowDefinition, type Step, type WorkflowDefinition } from '@downbeat/contracts';
import { MemoryEventStore, MemoryLog } from '@downbeat/event-store/testing';
import { instantOf } from '@downbeat/eventsourcing';
import type { MessageBus } from '@downbeat/message-bus';
import { MemoryMessageBus } from '@downbeat/message-bus/testing';
import type { CallEffect } from '@downbeat/saga-domain';
import { loadConfig } from '@downbeat/service-host';
import {
  RegisterWorkflowDefinition,
  RegisterWorkflowDefinitionHandler,
} from '../commands/register-workflow-definition';
import { DefinitionLibrary } from '../definitions/definition-library';
import { sagaConfig } from '../saga-config';
import { CallableSubjects } from './callable-subjects';
import { NatsTarget } from './nats-target';

const OWN = [
  'command.registry.RegisterService.x',
  'event.saga.WorkflowCompleted.x',
  'query.saga.workflows',
  'retry.saga-commands.x',
  'hint.log.x',
  'desk.saga',
  'evidence.audit.heads',
  '_INBOX.saga.1',
  '_INBOX_ann.1',
  '$JS.API.INFO',
  'command',
];

describe('the subjects that steps may call', () => {
  it.each(OWN)('are never %s', (subject) => {
    for (const setting of ['*', subject.split('.')[0]])
      expect(CallableSubjects.of(setting, 'development').refusalOf(subject)).toContain('own');
  });

  it('are all others in development, and those of participants in production', () => {
    const [development, production] = [
      CallableSubjects.of(undefined, 'development'),
      CallableSubjects.of(undefined, 'production'),
    ];
    for (const subject of ['service.billing.charge', 'shop.hold', 'commands.x'])
      expect(development.refusalOf(subject)).toBeUndefined();
    expect(production.refusalOf('service.billing.charge')).toBeUndefined();
    for (const subject of ['shop.hold', 'service', 'services.x'])
      expect(production.refusalOf(subject)).toMatch(/ is not below service, /);
  });

  it('are what an operator says', () => {
    const said = CallableSubjects.of('shop.api,service', 'production');
    expect(said.refusalOf('shop.api.hold')).toBeUndefined();
    expect(said.refusalOf('service.x')).toBeUndefined();
    expect(said.refusalOf('shop.hold')).toContain('not below shop.api or service');
    expect(CallableSubjects.of('*', 'production').refusalOf('shop.hold')).toBeUndefined();
  });

  it.each(['shop.', '.shop', 'shop.*', 'shop.>', 'a b', '*,shop', ','])(
    'cannot be said as %j',
    (setting) => {
      expect(() => loadConfig(sagaConfig, { SAGA_CALLED_SUBJECTS: setting })).toThrow(
        'SAGA_CALLED_SUBJECTS',
      );
    },
  );

  it('are named with their places where a definition calls others', () => {
    const call = (endpoint: string, undo?: string) => ({
      type: 'service_call',
      endpoint,
      ...(undo && { compensation_action: { endpoint: undo } }),
    });
    const steps = [
      call('/holds', 'nats:shop.release'),
      { type: 'delay' },
      {
        type: 'parallel',
        branches: [
          { steps: [call('nats:service.a')] },
          { steps: [call('/a'), call('nats:desk.saga')] },
        ],
      },
      { type: 'map', steps: [call('nats:command.registry.RegisterService.a')] },
    ] as unknown as Step[];
    const refusal = CallableSubjects.of('service', 'production').refusalIn({ steps });
    expect(refusal).toMatchObject({
      code: 'invalid-definition',
      kind: 'invalid',
      errors: [
        { field: 'steps.0.compensation_action.endpoint' },
        { field: 'steps.2.branches.1.steps.1.endpoint' },
        { field: 'steps.3.steps.0.endpoint' },
      ],
    });
    const none: Pick<WorkflowDefinition, 'steps'> = { steps: steps.slice(1, 2) };
    expect(CallableSubjects.of('service', 'production').refusalIn(none)).toBeUndefined();
  });

  it('are looked at when a definition is registered: nothing is stored', async () => {
    const store = new MemoryEventStore(new MemoryLog(), 'saga');
    const handler = new RegisterWorkflowDefinitionHandler(
      store,
      new DefinitionLibrary(store),
      new MemoryMessageBus(),
      CallableSubjects.of(undefined, 'production'),
    );
    const register = (subject: string) => {
      const call = { name: 'a', type: 'service_call', service_name: 'shop' };
      const body = { name: 'order', steps: [{ ...call, endpoint: `nats:${subject}` }] };
      const meta = { correlation_id: 'c', causation_id: 'c', actor: 'tests' };
      const data = workflowDefinition.parse(body);
      return handler.execute(new RegisterWorkflowDefinition(data as never, instantOf(0), { meta }));
    };
    expect(await register('shop.hold')).toMatchObject({
      accepted: false,
      problem: { errors: [{ field: 'steps.0.endpoint' }] },
    });
    expect(await store.head()).toBe(0);
    expect(await register('service.shop.hold')).toMatchObject({ accepted: true });
  });

  it('are looked at again when a step calls: nothing is sent', async () => {
    const asked: string[] = [];
    const bus = {
      request: async (subject: string) => (asked.push(subject), { body: '', headers: {} }),
    } as unknown as MessageBus;
    const target = new NatsTarget(bus, CallableSubjects.of(undefined, 'production'));
    const call = (subject: string) =>
      target.call(
        { endpoint: `nats:${subject}`, input: {}, key: 'k', attempt: 1 } as unknown as CallEffect,
        { correlationId: 'c' },
      );
    expect(await call('command.registry.Heartbeat.x')).toMatchObject({ kind: 'refused' });
    expect(await call('shop.hold')).toMatchObject({ kind: 'refused' });
    expect(await call('service.shop.hold')).toMatchObject({ kind: 'ok' });
    expect(asked).toEqual(['service.shop.hold']);
  });
});
