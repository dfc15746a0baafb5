import { CallEnding, Endpoint } from './endpoint';
import { Member } from './member';
import { OutlierEjection } from './outlier-ejection';

/** A call that goes to `endpoint`. Whoever picked it ends it, whatever happens, or it counts for ever. */
export class EndpointLease<E extends Endpoint> {
  private isOpen = true;
  readonly endpoint: E;

  constructor(
    private readonly member: Member<E>,
    private readonly outliers: OutlierEjection<E> | undefined,
    private readonly startedMs: number,
  ) {
    this.endpoint = member.endpoint;
  }

  /** The call is over. The first word counts; later ones do nothing. */
  end(ending: CallEnding, nowMs: number): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.member.ended(ending, Math.max(0, nowMs - this.startedMs), nowMs);
    this.outliers?.saw(this.member, ending, nowMs);
  }
}
