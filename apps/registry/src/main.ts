import '@downbeat/service-host/tracing';
import { RegistryModule } from '@downbeat/registry-service';
import { hostService } from '@downbeat/service-host';

// A thousand services that register at once leave much garbage and little that stays: docs/benchmarks.md.
void hostService({ name: 'registry', module: RegistryModule, heapGrowingPercent: 40 });
