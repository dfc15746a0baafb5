// What a service may say and hear on NATS that has an identity of its own: subjects of its own alone. What a command
// says inside is not the server's to check; the suite checks what bears the name that the subject ends with.
// Which subjects can be enforced and which cannot: docs/service-identities.md.

const NAME = /^(?=.{1,63}$)[a-z0-9]+(-[a-z0-9]+)*$/;
const TOPIC = /^(?=.{1,64}$)[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const TOPICS_MAX = 100;
const PRIORITIES = ['critical', 'high', 'normal', 'low'];

export const userOf = (service) => `service-${service}`;

/** @throws {RangeError} Something in it could not stand in a subject, or would widen it. */
export function checkService(service, { publishes, subscribes }) {
  if (!NAME.test(service)) throw new RangeError(`${service} is no name of a service`);
  for (const topics of [publishes, subscribes]) {
    if (topics.length > TOPICS_MAX) throw new RangeError(`more than ${TOPICS_MAX} topics`);
    for (const topic of topics)
      if (!TOPIC.test(topic)) throw new RangeError(`${topic} is no name of a topic`);
  }
}

/** Exactly these subjects. Its instances are named `<service>.<anything>`. */
export function rightsOf(service, { publishes, subscribes, startsWorkflows }) {
  checkService(service, { publishes, subscribes });
  const own = `${service}.*`;
  const consumers = subscribes.flatMap((topic) =>
    [...PRIORITIES, 'redriven'].map((lane) => `${service}_${topic}_${lane}`),
  );
  // Where the suite says that a topic is a queue, its services share these.
  const shared = subscribes.flatMap((topic) =>
    PRIORITIES.map((priority) => `QUEUE_${topic}_${priority}`),
  );
  const commands =
    subscribes.length > 0 ? ['SubscribeService', 'QuarantineMessage', 'ConfirmRedriven'] : [];
  return {
    publish: [
      // Answers to those who call it. Not `allow_responses`: whoever publishes to itself, with a reply
      // subject of its choice, could then publish there.
      '_INBOX_CALLS.>',
      ...['query.registry.directory', 'query.health.breaker-policies'],
      `query.registry.instance-configuration.${service}`,
      ...['Heartbeat', 'AnnounceLifecycle', 'AcknowledgeConfiguration'].map(
        (name) => `command.registry.${name}.${own}`,
      ),
      ...[`command.health.ReportBreakers.${own}`, `command.health.ReportCalls.${own}`],
      `command.observability.RecordCalls.${own}`,
      `hint.breakers.${service}`,
      ...(startsWorkflows ? [`command.saga.StartWorkflow.${own}`] : []),
      ...publishes.flatMap((topic) => [
        ...PRIORITIES.map((priority) => `message.${priority}.${topic}`),
        `broadcast.${topic}`,
        `command.messaging.SendMessage.${topic}`,
      ]),
      ...commands.map((name) => `command.messaging.${name}.${service}`),
      ...[...consumers, ...shared].flatMap((consumer) => [
        `$JS.API.CONSUMER.MSG.NEXT.message.${consumer}`,
        `$JS.ACK.message.${consumer}.>`,
      ]),
    ],
    subscribe: [
      `_INBOX.${userOf(service)}.>`,
      `service.${service}.>`,
      ...['event.>', 'hint.registry.>', 'hint.health.>', `hint.breakers.${service}`],
      ...subscribes.map((topic) => `broadcast.${topic}`),
    ],
  };
}

/** A user of nats.conf, as text. */
export function serviceUser(service, { password, ...identity }) {
  const { publish, subscribe } = rightsOf(service, identity);
  const list = (subjects) => `[${subjects.map((subject) => `"${subject}"`).join(', ')}]`;
  return [
    '      {',
    `        user: "${userOf(service)}"`,
    `        password: "${password}"`,
    '        permissions: {',
    `          publish: { allow: ${list(publish)} }`,
    `          subscribe: { allow: ${list(subscribe)} }`,
    '        }',
    '      }',
  ].join('\n');
}
