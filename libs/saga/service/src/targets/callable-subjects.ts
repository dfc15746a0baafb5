import { isOwnSubject, type Step, type WorkflowDefinition } from '@downbeat/contracts';
import { Rejection, type FieldError } from '@downbeat/eventsourcing';
import type { HostConfig } from '@downbeat/service-host';

export const NATS_SCHEME = 'nats:';

/** In production the saga's NATS user may publish there, and the participants' listen there. */
const PRODUCTION = 'service';
const ANY = '*';

/** Which subjects the steps of workflows may call: below given ones, and never the suite's own. */
export class CallableSubjects {
  private constructor(private readonly leads: readonly string[] | typeof ANY) {}

  /** @param setting `SAGA_CALLED_SUBJECTS`: `service,shop.api`, or `*`. */
  static of(setting: string | undefined, mode: HostConfig['DOWNBEAT_MODE']): CallableSubjects {
    const chosen = setting ?? (mode === 'production' ? PRODUCTION : ANY);
    return new CallableSubjects(chosen === ANY ? ANY : chosen.split(','));
  }

  /** Why `subject` is not called; undefined when it may be. */
  refusalOf(subject: string): string | undefined {
    if (isOwnSubject(subject)) return `${subject} is a subject of the suite's own`;
    const { leads } = this;
    if (leads === ANY || leads.some((lead) => subject.startsWith(`${lead}.`))) return undefined;
    return `${subject} is not below ${leads.join(' or ')}, where steps may call`;
  }

  /** What a definition names that may not be called, with the places. */
  refusalIn({ steps }: Pick<WorkflowDefinition, 'steps'>): Rejection | undefined {
    const errors: FieldError[] = [];
    for (const [field, endpoint] of endpointsOf(steps, 'steps')) {
      const message = this.refusalOf(endpoint.slice(NATS_SCHEME.length));
      if (endpoint.startsWith(NATS_SCHEME) && message) errors.push({ field, message });
    }
    const [first] = errors;
    return first
      ? new Rejection('invalid-definition', `${first.field} ${first.message}`, 'invalid', errors)
      : undefined;
  }
}

function* endpointsOf(
  steps: readonly Step[],
  place: string,
): Generator<readonly [field: string, endpoint: string]> {
  for (const [index, step] of steps.entries()) {
    const at = `${place}.${index}`;
    if (step.type === 'service_call') {
      yield [`${at}.endpoint`, step.endpoint];
      const { compensation_action: undo } = step;
      if (undo) yield [`${at}.compensation_action.endpoint`, undo.endpoint];
    }
    if (step.type === 'parallel')
      for (const [branch, { steps: inner }] of step.branches.entries())
        yield* endpointsOf(inner, `${at}.branches.${branch}.steps`);
    if (step.type === 'map') yield* endpointsOf(step.steps, `${at}.steps`);
  }
}
