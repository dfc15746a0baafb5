import { Fault } from '@downbeat/eventsourcing';
import { nothingMeasured, together, type Measured } from '@downbeat/observability-domain';
import { Injectable, Logger } from '@nestjs/common';
import { ContextSources } from './context-sources';
import { Measurements, type Source } from './measurements';
import { ProcessReports } from './process-reports';

/** Asks everybody at once; who cannot answer is left out, and told of when that begins and ends. */
@Injectable()
export class SuiteMeasurements extends Measurements {
  private readonly logger = new Logger(SuiteMeasurements.name);
  private readonly silent = new Set<string>();

  constructor(
    private readonly contexts: ContextSources,
    private readonly reports: ProcessReports,
  ) {
    super();
  }

  async measure(): Promise<Measured> {
    const parts = await Promise.all(this.contexts.all.map((source) => this.of(source)));
    return together([this.reports.measure(), ...parts]);
  }

  private async of({ name, measure }: Source): Promise<Measured> {
    try {
      const measured = await measure();
      if (this.silent.delete(name)) this.logger.log({ source: name }, 'is measured again');
      return measured;
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault;
      if (!this.silent.has(name))
        this.logger.warn({ err: fault, source: name }, 'cannot be measured for now');
      this.silent.add(name);
      return nothingMeasured;
    }
  }
}
