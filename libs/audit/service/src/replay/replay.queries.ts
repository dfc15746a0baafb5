import { auditContract, type AnswerOf, type InputOf } from '@downbeat/contracts';
import { AuditLog } from '@downbeat/event-store';
import {
  Rejection,
  type Position,
  type RecordedEvent,
  type StreamName,
} from '@downbeat/eventsourcing';
import { Answers, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import { readPosition } from '../events/read-position';
import { HeavyWork, tooLarge } from '../heavy-work';
import type { Patience } from '../patience';
import { replayerOf, replayersOn, type Replayers } from './replayers';
import type { Comparison, Replay } from './replayer';
import { appendsOf, eventsOf } from './stream-events';

const { replay } = auditContract;
type Replayed = AnswerOf<typeof replay>['streams'][number];
type ReplayInput = InputOf<typeof replay>;

export interface ReplayLimits {
  readonly streamsMax: number;
  readonly streamEventsMax: number;
  /** Of all streams together. */
  readonly eventsMax: number;
  /** An answer has to fit into one message of the bus. */
  readonly answerBytesMax: number;
}

export const REPLAY_LIMITS: ReplayLimits = {
  streamsMax: 200,
  streamEventsMax: 50_000,
  eventsMax: 200_000,
  answerBytesMax: 600_000,
};

/** Answers "how was it then, and did the rules lead there". */
@Controller()
export class ReplayQueries {
  constructor(
    private readonly log: AuditLog,
    private readonly heavyWork: HeavyWork,
  ) {}

  @Answers(replay)
  async replay({ input, as }: Question<ReplayInput>) {
    const position = await readPosition(this.log, as);
    if (position instanceof Rejection) return position;
    const until = Math.min(input.until_position ?? position, position);
    const streams = await this.heavyWork.run((patience) =>
      replayed(this.log, input, until, patience),
    );
    return streams instanceof Rejection ? streams : { position: until, data: { streams } };
  }
}

/** Every stream that is asked for, one after another. */
export async function replayed(
  log: AuditLog,
  input: ReplayInput,
  until: Position,
  patience: Patience,
  limits: ReplayLimits = REPLAY_LIMITS,
): Promise<Replayed[] | Rejection> {
  const names = await streamsOf(log, input, until);
  if (names.length > limits.streamsMax)
    return tooLarge(`it reached more than ${limits.streamsMax} streams`);
  const replayers = replayersOn(log);
  const answers: Replayed[] = [];
  const left = { events: limits.eventsMax, bytes: limits.answerBytesMax };
  for (const name of names) {
    const max = Math.min(limits.streamEventsMax, left.events);
    const one = await replayStream(log, replayers, name, until, max, patience);
    if (!one) continue;
    if (one === 'too-many-events') return tooLarge(`${name} brings it to more than ${max} events`);
    left.events -= one.version;
    left.bytes -= Buffer.byteLength(JSON.stringify(one));
    if (left.bytes < 0) return tooLarge('the states are too large for one answer');
    answers.push(one);
  }
  return answers.length > 0 ? answers : nothingThere(input, until);
}

async function streamsOf(
  log: AuditLog,
  { stream, correlation_id }: ReplayInput,
  until: Position,
): Promise<readonly StreamName[]> {
  if (stream !== undefined) return [stream as StreamName];
  const reached = await log.streamsOf(correlation_id ?? '', until);
  return reached.map((one) => one.stream);
}

async function replayStream(
  log: AuditLog,
  replayers: Replayers,
  stream: StreamName,
  until: Position,
  eventsMax: number,
  patience: Patience,
): Promise<Replayed | 'too-many-events' | undefined> {
  let count = 0;
  let last: RecordedEvent | undefined;
  let replay: Replay | undefined;
  const compared = new Comparisons();
  for await (const append of appendsOf(eventsOf(log, stream, until))) {
    count += append.length;
    if (count > eventsMax) return 'too-many-events';
    await patience.turn();
    const [first] = append;
    if (!last && first) replay = replayerOf(replayers, stream, first.context)?.begin();
    last = append.at(-1) ?? last;
    if (replay && first) compared.add(first.position, await replay.apply(append));
  }
  if (!last) return undefined;
  return {
    stream,
    context: last.context,
    version: last.version,
    position: last.position,
    ...(replay ? { state: replay.state() } : {}),
    decisions_compared: compared.count,
    ...(compared.firstDifference ? { first_difference: compared.firstDifference } : {}),
  };
}

class Comparisons {
  count = 0;
  firstDifference: Replayed['first_difference'];

  add(position: Position, comparison: Comparison): void {
    this.count++;
    if (comparison.isSame) return;
    const { recorded, derived } = comparison;
    this.firstDifference ??= { position, recorded, derived };
  }
}

function nothingThere({ stream, correlation_id }: ReplayInput, until: Position): Rejection {
  const what = stream === undefined ? `correlation id ${correlation_id}` : `stream ${stream}`;
  return new Rejection(
    'stream-unknown',
    `there is no event of ${what} up to position ${until}`,
    'not-found',
  );
}
