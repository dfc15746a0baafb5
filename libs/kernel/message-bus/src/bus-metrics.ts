/** Those that go up and down; all the others only grow. */
export const BUS_GAUGES: readonly (keyof BusMetrics)[] = ['handling', 'waiting'];

/** Counts since the start of the process, and a few gauges. Whoever exposes metrics reads them. */
export class BusMetrics {
  /** Messages taken from a stream, redeliveries included. */
  deliveries = 0;
  done = 0;
  retried = 0;
  quarantined = 0;
  /** The dead-letter port refused or failed; the message stayed on its stream. */
  quarantineFailures = 0;
  /** A settlement could not be sent; the message comes again. */
  settleFailures = 0;
  handlerTimeouts = 0;
  /** Messages put back because earlier ones of their key stood still and the buffer was full. */
  putBack = 0;
  redriven = 0;
  /** A message without a readable JSON body. */
  malformed = 0;

  commandsSent = 0;
  commandsWithoutOutcome = 0;
  outcomesSent = 0;
  /** Requests without our header, answered from the reply desk. */
  deskAnswers = 0;
  /** Requests the reply desk gave up remembering, because it was full or they were too old. */
  deskForgotten = 0;

  queriesAsked = 0;
  queriesUnanswered = 0;
  queriesAnswered = 0;
  queryFailures = 0;
  queriesTurnedAway = 0;

  eventsPublished = 0;
  eventsNotConfirmed = 0;
  eventsConsumed = 0;
  eventBatchFailures = 0;

  streamsCreated = 0;
  /** Streams whose files were gone while the server ran. */
  streamsRemade = 0;
  /** A consume loop found its stream or consumer gone, or the server silent, and set both up again. */
  consumersRecovered = 0;
  heartbeatsMissed = 0;
  disconnects = 0;
  reconnects = 0;
  /** The server itself gave a message up: must stay 0, the bus owns the limit. */
  serverGaveUp = 0;

  /** Handlers running now. */
  handling = 0;
  /** Messages held in memory behind others of their key. */
  waiting = 0;
}
