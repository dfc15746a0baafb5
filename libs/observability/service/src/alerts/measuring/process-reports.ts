import type { Measured } from '@downbeat/observability-domain';
import { MessageBus } from '@downbeat/message-bus';
import { Clock, HostSettings, loadConfig, PROCESS_REPORT } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { alertsConfig } from '../alerts-config';
import { processReport } from './process-report';
import { FORGOTTEN_AFTER_MS, type Heard } from './process-certainty';
import { processSamples } from './process-samples';

const PROCESSES_MAX = 500;

/** Hears what processes say of themselves. */
@Injectable()
export class ProcessReports {
  private readonly heard = new LRUCache<string, Heard>({ max: PROCESSES_MAX });
  private readonly expected: readonly string[];
  private listeningSinceMs = Infinity;
  private unsubscribe: () => void = () => undefined;

  constructor(
    private readonly bus: MessageBus,
    private readonly clock: Clock,
    { environment }: HostSettings,
  ) {
    this.expected = loadConfig(alertsConfig, environment).ALERTS_PROCESSES;
  }

  listen(): void {
    this.listeningSinceMs = this.clock.now();
    this.unsubscribe = this.bus.onHint(PROCESS_REPORT, (payload) => this.hear(payload));
  }

  deafen(): void {
    this.unsubscribe();
  }

  measure(): Measured {
    const nowMs = this.clock.now();
    // While this process hears nobody because of itself, nobody's silence counts.
    if (this.bus.status() !== 'connected') {
      this.listeningSinceMs = nowMs;
      return { samples: [], metrics: new Set() };
    }
    const heard = [...this.heard.values()].filter(({ atMs }) => atMs > nowMs - FORGOTTEN_AFTER_MS);
    return processSamples(heard, this.expected, this.listeningSinceMs, nowMs);
  }

  /** What is none is nobody's: any client may send hints. */
  private hear(payload: unknown): void {
    const parsed = processReport.safeParse(payload);
    if (!parsed.success) return;
    const report = parsed.data;
    this.heard.set(`${report.name} ${report.process_id}`, { report, atMs: this.clock.now() });
  }
}
