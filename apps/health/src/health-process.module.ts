import { HealthModule } from '@downbeat/health-service';
import { ObservabilityModule } from '@downbeat/observability-service';
import { Module } from '@nestjs/common';

/** What works, what is slow, what failed: checks and breakers, and the traces of those who call. */
@Module({ imports: [HealthModule, ObservabilityModule] })
export class HealthProcessModule {}
