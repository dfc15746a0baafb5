export { systemResolve, type Resolve } from './connector';
export { createEgress, Egress, type EgressOptions, type EgressRequest } from './egress';
export type { EgressResponse } from './exchange';
export * from './faults';
export {
  egressPolicy,
  isRefusal,
  judgeAddress,
  judgeUrl,
  type CheckedUrl,
  type EgressPolicy,
  type EgressSettings,
  type Refusal,
  type RefusalCode,
} from './policy';
