import type { CheckRequest, CheckResult } from '@downbeat/health-domain';
import { Injectable } from '@nestjs/common';
import { InstanceProbes } from './probes/instance-probes';

/** Checks of this replica that run at once; the others wait their turn. */
const UNDER_WAY_MAX = 128;

/** Asks instances, not more at once than this process can do. */
@Injectable()
export class Probing {
  private count = 0;

  constructor(private readonly probes: InstanceProbes) {}

  get underWay(): number {
    return this.count;
  }

  get isBusy(): boolean {
    return this.count >= UNDER_WAY_MAX;
  }

  async run(request: CheckRequest, timeoutMs: number): Promise<CheckResult | undefined> {
    this.count++;
    try {
      return await this.probes.run(request, timeoutMs);
    } finally {
      this.count--;
    }
  }
}
