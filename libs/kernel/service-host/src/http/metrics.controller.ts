import { Controller, Get, Headers, Res } from '@nestjs/common';
import type { Response } from 'express';
import { Registry } from 'prom-client';
import { asksForOpenMetrics } from '../metering/asked-format';
import { openMetricsText, type Family } from '../metering/open-metrics';

/** What Prometheus scrapes: in its own text, or as OpenMetrics with exemplars when that is asked for. */
@Controller('metrics')
export class MetricsController {
  constructor(private readonly metrics: Registry) {}

  @Get()
  async scrape(
    @Res({ passthrough: true }) response: Response,
    @Headers('accept') accept?: string,
  ): Promise<string> {
    const isOpen = asksForOpenMetrics(accept);
    const text = isOpen
      ? openMetricsText((await this.metrics.getMetricsAsJSON()) as unknown as readonly Family[])
      : await this.metrics.metrics();
    response.setHeader('Cache-Control', 'no-store');
    response.setHeader('Vary', 'Accept');
    const { OPENMETRICS_CONTENT_TYPE, PROMETHEUS_CONTENT_TYPE } = Registry;
    response.setHeader('Content-Type', isOpen ? OPENMETRICS_CONTENT_TYPE : PROMETHEUS_CONTENT_TYPE);
    return text;
  }
}
