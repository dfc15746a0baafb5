export { canonicalJson } from '@downbeat/eventsourcing';
