import type { Projection } from '@downbeat/projections';
import { alertTable } from './alert.table';
import { deliveryTable } from './delivery.table';
import { noticeTable, owedTable } from './notice.tables';
import { receiverTable, ruleTable, silenceTable } from './said.tables';

/** When people are alerted, what fires, and who was told. */
export const alertsProjection: Projection = {
  name: 'observability.alerts',
  version: 1,
  tables: [
    ruleTable,
    alertTable,
    noticeTable,
    owedTable,
    deliveryTable,
    silenceTable,
    receiverTable,
  ],
};
