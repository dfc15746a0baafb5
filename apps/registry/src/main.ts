import '@downbeat/service-host/tracing';
import { RegistryModule } from '@downbeat/registry-service';
import { hostService } from '@downbeat/service-host';

void hostService({ name: 'registry', module: RegistryModule });
