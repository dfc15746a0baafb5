export { BreakerFollower, type SaidPolicies } from './breaker-follower';
export { BreakerOrders, type BreakerOrder, type CarriedOut } from './breaker-orders';
export { heldOf, type Report } from './breaker-report';
export {
  BreakerReporter,
  REPORT_EVERY_MS,
  type ReporterPorts,
  type ReportOutcome,
} from './breaker-reporter';
export { ordersFrom, rulesFrom, type Policies } from './followed-policies';
export {
  HeldBreakers,
  type BreakerView,
  type HeldBreaker,
  type HeldBreakersOptions,
} from './held-breakers';
export {
  endOfStatus,
  type CallEnd,
  type CallReport,
  type EndedCall,
} from './call-reports/call-figures';
export { CallReporter, CALLS_TURN_MS, type CallReporterPorts } from './call-reports/call-reporter';
export { routeTemplate, subjectTemplate } from './call-reports/route-template';
