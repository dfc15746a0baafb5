import { Controller, Get, Header } from '@nestjs/common';
import { register } from 'prom-client';

/** What Prometheus scrapes. */
@Controller('metrics')
export class MetricsController {
  @Get()
  @Header('Content-Type', register.contentType)
  @Header('Cache-Control', 'no-store')
  metrics(): Promise<string> {
    return register.metrics();
  }
}
