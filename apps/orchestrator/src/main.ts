import '@downbeat/service-host/tracing';
import { hostService } from '@downbeat/service-host';
import { OrchestratorModule } from './orchestrator.module';

void hostService({ name: 'orchestrator', module: OrchestratorModule });
