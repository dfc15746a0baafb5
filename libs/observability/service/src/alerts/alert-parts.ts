import { createEgress, Egress, egressPolicy } from '@downbeat/egress';
import { HostLifecycle, HostSettings } from '@downbeat/service-host';
import * as alerts from './commands/alert-commands';
import * as receivers from './commands/receiver-commands';
import { AlertWatch } from './evaluating/alert-watch';
import { Evaluator } from './evaluating/evaluator';
import { KnownAlerts } from './evaluating/known-alerts';
import { PendingAlerts } from './evaluating/pending-alerts';
import { ContextSources } from './measuring/context-sources';
import { LastDay } from './measuring/last-day';
import { Measurements } from './measuring/measurements';
import { OverdueRuns } from './measuring/overdue-runs';
import { ProcessReports } from './measuring/process-reports';
import { SuiteMeasurements } from './measuring/suite-measurements';
import { AlertsQueries } from './queries/alerts.queries';
import { PreviewQueries } from './queries/preview.queries';
import { SaidQueries } from './queries/said.queries';
import { DeliveryLedger } from './webhooks/delivery-ledger';
import { Dispatcher } from './webhooks/dispatcher';
import { Webhooks } from './webhooks/webhooks';

/** What the module of the context is given of alerts. */
export const alertCommandClasses = [
  alerts.PutAlertRule,
  alerts.RemoveAlertRule,
  alerts.AcknowledgeAlert,
  alerts.StartSilence,
  alerts.EndSilence,
  receivers.PutAlertReceiver,
  receivers.RemoveAlertReceiver,
  receivers.TestAlertReceiver,
];

export const alertControllers = [AlertsQueries, SaidQueries, PreviewQueries];

export const alertProviders = [
  alerts.PutAlertRuleHandler,
  alerts.RemoveAlertRuleHandler,
  alerts.AcknowledgeAlertHandler,
  alerts.StartSilenceHandler,
  alerts.EndSilenceHandler,
  receivers.PutAlertReceiverHandler,
  receivers.RemoveAlertReceiverHandler,
  receivers.TestAlertReceiverHandler,
  AlertWatch,
  Evaluator,
  KnownAlerts,
  PendingAlerts,
  ContextSources,
  LastDay,
  OverdueRuns,
  ProcessReports,
  { provide: Measurements, useClass: SuiteMeasurements },
  DeliveryLedger,
  Dispatcher,
  Webhooks,
  {
    provide: Egress,
    inject: [HostSettings, HostLifecycle],
    useFactory: ({ config }: HostSettings, lifecycle: HostLifecycle) => {
      const policy = egressPolicy({
        mode: config.DOWNBEAT_MODE,
        allowedCidrs: config.DOWNBEAT_ALLOWED_CIDRS,
      });
      const egress = createEgress({ policy });
      lifecycle.onClose('egress of alerts', () => egress.close());
      return egress;
    },
  },
];
