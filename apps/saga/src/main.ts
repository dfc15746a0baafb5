import '@downbeat/service-host/tracing';
import { SagaModule } from '@downbeat/saga-service';
import { hostService } from '@downbeat/service-host';

void hostService({ name: 'saga', module: SagaModule });
