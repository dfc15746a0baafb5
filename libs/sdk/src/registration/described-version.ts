import { parseUntrustedJson, registryContract } from '@downbeat/contracts';

/** Then it may be that nobody runs the other version any more. */
const ASKED_AGAIN_MS = 30_000;

/**
 * By which version the suite describes the service, when it is not the one that runs here. That holds for
 * as long as somebody runs the other one, so what the service is has to be said again from time to time.
 */
export class DescribedVersion {
  private other: string | undefined;
  private saidAt = 0;

  constructor(private readonly own: string) {}

  /** It has been said, whatever comes of it. */
  said(): void {
    this.saidAt = performance.now();
  }

  /**
   * @param body To who said what the service is, or registered an instance of it.
   * @returns The other version that describes the service, when that is news.
   */
  answered(body: string): string | undefined {
    const json = parseUntrustedJson(body);
    if (!('value' in json)) return undefined;
    const answer = registryContract.registerService.answer.safeParse(json.value);
    const service_version = answer.data?.service_version;
    // A registry of before does not say it to everybody.
    if (service_version === undefined) return undefined;
    const before = this.other;
    this.other = service_version === this.own ? undefined : service_version;
    return this.other === before ? undefined : this.other;
  }

  get isDue(): boolean {
    return this.other !== undefined && performance.now() - this.saidAt >= ASKED_AGAIN_MS;
  }
}
