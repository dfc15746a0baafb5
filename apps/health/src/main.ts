import '@downbeat/service-host/tracing';
import { HealthModule } from '@downbeat/health-service';
import { hostService } from '@downbeat/service-host';

void hostService({ name: 'health', module: HealthModule });
