import '@downbeat/service-host/tracing';
import { hostService } from '@downbeat/service-host';
import { HealthProcessModule } from './health-process.module';

// A thousand services that register at once leave much garbage and little that stays: docs/benchmarks.md.
void hostService({ name: 'health', module: HealthProcessModule, heapGrowingPercent: 25 });
