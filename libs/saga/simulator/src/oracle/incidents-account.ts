import type { RecordedEvent } from '@downbeat/eventsourcing';
import type { RunEvent } from '@downbeat/saga-domain';
import type { Books } from '../world/books';

type Recorded = RunEvent & Pick<RecordedEvent, 'meta'>;
type EventOf<Type extends RunEvent['type']> = Extract<Recorded, { type: Type }>;

/** What is wrong with a run's incidents: one at a time, each resolved by a person or overtaken, as that one said. */
export function incidentsAccountOf(events: readonly RunEvent[], books: Books): readonly string[] {
  const account = new IncidentsAccount(books);
  for (const event of events as readonly Recorded[]) account.take(event);
  return account.wrongs;
}

/** Nothing is undone, and nothing ends, as long as somebody has to see to an undo. */
const NOT_BESIDE: ReadonlySet<RunEvent['type']> = new Set([
  'UndoStarted',
  'UndoRetried',
  'CompensationStarted',
  'WorkflowCompleted',
  'WorkflowFailed',
  'WorkflowCompensated',
]);

class IncidentsAccount {
  readonly wrongs: string[] = [];
  private open: EventOf<'IncidentOpened'>['data'] | undefined;
  private run = '';
  private opened = 0;
  private before: Recorded | undefined;
  /** The newest call of each undo; and whether there will be another one by itself. */
  private readonly undos = new Map<
    string,
    { readonly attempt: number; readonly isOver: boolean }
  >();

  constructor(private readonly books: Books) {}

  take(event: Recorded): void {
    const { type, data } = event;
    if (type === 'WorkflowStarted') this.run = data.workflow_id;
    if (this.open && NOT_BESIDE.has(type)) this.wrong(`${type} beside an open incident`);
    if (type === 'UndoStarted' || type === 'UndoRetried')
      this.undos.set(data.step, { attempt: data.attempt, isOver: false });
    if (type === 'UndoAttemptFailed')
      this.undos.set(data.step, { attempt: data.attempt, isOver: data.retry_at === undefined });
    if (type === 'IncidentOpened') this.opens(data);
    if (type === 'IncidentResolved') this.resolved(event);
    this.before = event;
  }

  private opens(data: EventOf<'IncidentOpened'>['data']): void {
    const { incident_id, step, kind, attempts } = data;
    if (this.open) this.wrong(`${incident_id} opens beside ${this.open.incident_id}`);
    if (incident_id !== `${this.run}:${step}:${++this.opened}`)
      this.wrong(`the ${this.opened}. incident is called ${incident_id}`);
    const undo = this.undos.get(step);
    const isSpent = undo?.attempt === attempts && undo.isOver;
    if (kind === 'undo_failed' ? !isSpent : attempts !== 0)
      this.wrong(`${incident_id} opens, and the undo of ${step} has not failed`);
    this.open = data;
  }

  private resolved({ data, meta }: EventOf<'IncidentResolved'>): void {
    const { incident_id, step, action } = data;
    if (this.open?.incident_id !== incident_id || this.open.step !== step)
      this.wrong(`${incident_id} is resolved, and not open`);
    this.open = undefined;
    const isRetry = this.before?.type === 'RunRetried';
    const asked = this.books.resolutions.get(meta.causation_id);
    const isSaid = asked?.incident === incident_id && asked.action === action;
    if (action !== 'overtaken' && !isSaid && !(isRetry && action === 'retry'))
      this.wrong(`nobody said ${action} of ${incident_id}`);
    if (action === 'overtaken' && asked) this.wrong(`${incident_id} was resolved, not overtaken`);
  }

  private wrong(what: string): void {
    this.wrongs.push(what);
  }
}
