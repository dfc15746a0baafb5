import '@downbeat/service-host/tracing';
import { HealthModule } from '@downbeat/health-service';
import { hostService } from '@downbeat/service-host';

// A thousand services that register at once leave much garbage and little that stays: docs/benchmarks.md.
void hostService({ name: 'health', module: HealthModule, heapGrowingPercent: 25 });
