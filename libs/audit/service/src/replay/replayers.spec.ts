import type { AuditLog } from '@downbeat/event-store';
import type { StreamName } from '@downbeat/eventsourcing';
import { replayerOf, replayersOn } from './replayers';

const replayers = replayersOn({} as AuditLog);
const kindOf = (stream: string, context: string) => {
  const replayer = replayerOf(replayers, stream as StreamName, context);
  return Object.entries(replayers).find(([, one]) => one === replayer)?.[0];
};

describe('the kind of a stream', () => {
  it.each([
    ['service-billing', 'registry', 'service'],
    ['workflow-0198', 'saga', 'workflow'],
    ['workflow-definition-book', 'saga', 'workflow-definition'],
    ['dead-letter-0198', 'messaging', 'dead-letter'],
  ])('of %s is told by its name', (stream, context, kind) =>
    expect(kindOf(stream, context)).toBe(kind),
  );

  it.each([
    ['weather-berlin', 'health'],
    ['service-billing', 'health'],
    ['services', 'registry'],
    ['__proto__-x', 'registry'],
  ])('of %s in %s is unknown', (stream, context) =>
    expect(kindOf(stream, context)).toBeUndefined(),
  );
});
