import '@downbeat/service-host/tracing';
import { hostService } from '@downbeat/service-host';
import { GatewayModule } from './gateway.module';
import { hostGateway } from './hosting';

void hostService({ name: 'gateway', module: GatewayModule, configureHttp: hostGateway });
