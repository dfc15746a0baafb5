import { Controller, Get, HttpCode, HttpStatus, Inject, Res } from '@nestjs/common';
import type { Response } from 'express';
import { Probes } from './probes';
import { HOST_NAME } from '../host-name';

/** `/health/live` depends on nothing: it says that the process runs and answers. */
@Controller('health')
export class HealthController {
  constructor(
    private readonly probes: Probes,
    @Inject(HOST_NAME) private readonly name: string,
  ) {}

  @Get('live')
  @HttpCode(HttpStatus.OK)
  live(): { readonly status: 'live' } {
    return { status: 'live' };
  }

  @Get('ready')
  ready(@Res({ passthrough: true }) response: Response) {
    const isReady = this.probes.isReady();
    if (!isReady) response.status(HttpStatus.SERVICE_UNAVAILABLE);
    return { status: isReady ? 'ready' : 'not-ready' };
  }

  @Get()
  health(@Res({ passthrough: true }) response: Response) {
    const { status } = this.probes.report();
    if (status !== 'ready') response.status(HttpStatus.SERVICE_UNAVAILABLE);
    return { status, service: this.name };
  }

  @Get('detailed')
  detailed(@Res({ passthrough: true }) response: Response) {
    const report = this.probes.report();
    if (report.status !== 'ready') response.status(HttpStatus.SERVICE_UNAVAILABLE);
    return {
      ...report,
      service: this.name,
      pid: process.pid,
      uptime_seconds: Math.round(process.uptime()),
      memory_mb: Math.round(process.memoryUsage.rss() / 1_048_576),
      node: process.version,
    };
  }
}
