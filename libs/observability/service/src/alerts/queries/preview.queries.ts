import { observabilityContract, type AnswerOf, type InputOf } from '@downbeat/contracts';
import { instantOf } from '@downbeat/eventsourcing';
import { judgedBy, noHistory, type Judged } from '@downbeat/observability-domain';
import { ReadModels } from '@downbeat/projections';
import { Answers, Clock, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import { alertIdOf } from '../alert-id';
import { LastDay } from '../measuring/last-day';
import { Measurements } from '../measuring/measurements';
import { alertsProjection } from '../read-model/alerts.projection';

const { previewAlertRule } = observabilityContract;
type Preview = AnswerOf<typeof previewAlertRule>;

const SUBJECTS_MAX = 200;

/** Answers what a rule would do. */
@Controller()
export class PreviewQueries {
  constructor(
    private readonly measurements: Measurements,
    private readonly lastDay: LastDay,
    private readonly readModels: ReadModels,
    private readonly clock: Clock,
  ) {}

  @Answers(previewAlertRule)
  async preview({ input: rule, as }: Question<InputOf<typeof previewAlertRule>>) {
    const measured = await this.measurements.measure();
    const at = instantOf(this.clock.now());
    const { metric, growth_over_seconds } = rule.condition;
    // How much something grew is known by who looks at it all the time, and by nobody else.
    const isMeasured = measured.metrics.has(metric) && growth_over_seconds === undefined;
    const judged = isMeasured ? judgedBy(rule, measured, noHistory, { at }) : [];
    const worstFirst = judged.toSorted((one, other) => Number(other.isMet) - Number(one.isMet));
    const last_24_hours = await this.lastDay.of(rule, at);
    // For the position that answers have, and for what may be asked of a moment.
    const { position } = await this.readModels.ask(alertsProjection, as, () =>
      Promise.resolve(undefined),
    );
    const data: Preview = {
      is_measured: isMeasured,
      would_fire: judged.some(({ isMet }) => isMet),
      subjects: worstFirst.slice(0, SUBJECTS_MAX).map((one) => subjectOf(rule.rule_id, one)),
      subjects_omitted: Math.max(0, judged.length - SUBJECTS_MAX),
      last_24_hours,
    };
    return { position, data };
  }
}

const subjectOf = (
  ruleId: string,
  { sample: { subject, service_name }, value, severity, isMet, reason }: Judged,
): Preview['subjects'][number] => ({
  alert_id: alertIdOf(ruleId, subject),
  subject,
  ...(service_name !== undefined && { service_name }),
  value,
  severity,
  is_met: isMet,
  reason,
});
