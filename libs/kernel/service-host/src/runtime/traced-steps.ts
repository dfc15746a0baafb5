import type { Command, Decider, Message, RecordedEvent } from '@downbeat/eventsourcing';
import { inSpan, tellSpan, type SpanFacts } from '@downbeat/message-bus';
import type { EventTransport } from '@downbeat/publishing';

/** Of one batch: a log that is caught up with would otherwise be as many spans as it has events. */
const SPANS_OF_BATCH_MAX = 100;

/** What a span of a decision says. */
export const decisionFacts = (traceparent: string | undefined): SpanFacts => ({
  traceparent,
  attributes: { 'downbeat.step': 'decide' },
});

/** The same rules, each decision a span of the trace of its command. */
export const tracedDecider = <State, C extends Command, Event extends Message>(
  decider: Decider<State, C, Event>,
  traceparent: string | undefined,
): Decider<State, C, Event> => ({
  ...decider,
  decide: (command, state) =>
    inSpan(`decide ${command.type}`, decisionFacts(traceparent), () =>
      decider.decide(command, state),
    ),
});

/** Each publication is a span of the trace of its event, from its sending to its acknowledgement. */
export const tracedPublications = (transport: EventTransport): EventTransport => ({
  ...transport,
  publish: async (publications, repeat) => {
    const beganMs = Date.now();
    const sequence = await transport.publish(publications, repeat);
    for (const { name, number, meta } of publications.slice(0, SPANS_OF_BATCH_MAX))
      if (meta.traceparent !== undefined)
        tellSpan(`publish ${name}`, {
          ...{ traceparent: meta.traceparent, kind: 'producer', beganMs },
          attributes: { 'downbeat.step': 'publish', 'downbeat.publication': number },
        });
    return sequence;
  },
});

/** Each trace that a batch of a read model has events of gets a span of it. */
export function tellApplied(
  projection: string,
  events: readonly RecordedEvent[],
  beganMs: number,
): void {
  const traces = new Map<string, RecordedEvent>();
  for (const event of events)
    if (event.meta.traceparent !== undefined) traces.set(event.meta.traceparent, event);
  for (const [traceparent, { position }] of [...traces].slice(0, SPANS_OF_BATCH_MAX))
    tellSpan(`project ${projection}`, {
      ...{ traceparent, beganMs },
      attributes: { 'downbeat.step': 'project', 'downbeat.position': position },
    });
}
