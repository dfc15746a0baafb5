import { isOwnSubject } from '@downbeat/contracts';
import type { HostConfig } from '@downbeat/service-host';

/** In production the NATS user of health may publish there, and the services' listen there. */
const PRODUCTION = 'service';
const ANY = '*';

/** On which subjects checks may ask: below given ones, and never the suite's own. */
export class CheckedSubjects {
  private constructor(private readonly leads: readonly string[] | typeof ANY) {}

  /** @param setting `HEALTH_CHECKED_SUBJECTS`: `service,shop.api`, or `*`. */
  static of(setting: string | undefined, mode: HostConfig['DOWNBEAT_MODE']): CheckedSubjects {
    const chosen = setting ?? (mode === 'production' ? PRODUCTION : ANY);
    return new CheckedSubjects(chosen === ANY ? ANY : chosen.split(','));
  }

  /** Why `subject` is not asked on; undefined when it may be. */
  refusalOf(subject: string): string | undefined {
    if (isOwnSubject(subject)) return `${subject} is a subject of the suite's own`;
    const { leads } = this;
    if (leads === ANY || leads.some((lead) => subject.startsWith(`${lead}.`))) return undefined;
    return `${subject} is not below ${leads.join(' or ')}, where checks may ask`;
  }
}
