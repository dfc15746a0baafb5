import type { Position } from '@downbeat/eventsourcing';
import { MessageBus } from '@downbeat/message-bus';
import { ReadModels } from '@downbeat/projections';
import { Injectable } from '@nestjs/common';
import type { RoomElsewhere } from '../commands/room-elsewhere';
import { PausedDefinitions } from '../definitions/paused-definitions';
import { Admission } from './admission';
import { FollowedRules } from './followed-rules';
import { Peers } from './peers';

/** Keeps this process's admission true to what operators say, and to what other replicas see. */
@Injectable()
export class TargetWatch implements RoomElsewhere {
  private rules: FollowedRules | undefined;
  private peers: Peers | undefined;

  constructor(
    private readonly admission: Admission,
    private readonly readModels: ReadModels,
    private readonly bus: MessageBus,
    private readonly paused: PausedDefinitions,
  ) {}

  /**
   * @param process Stays the same as long as this process lives.
   * @param room How many new runs it would take now.
   */
  start(process: string, room: () => number): void {
    const follow = () => this.admission.follow(this.rules?.rules ?? [], this.replicas);
    const rules = new FollowedRules(this.readModels, this.bus, follow);
    this.rules = rules;
    // Of targets and of definitions.
    const followed = () => Math.min(rules.position, this.paused.position);
    this.peers = new Peers(process, this.admission, this.bus, followed, room, follow);
    this.peers.start();
    this.rules.start();
  }

  async stop(): Promise<void> {
    await this.rules?.stop();
    await this.peers?.stop();
  }

  /** Another replica that takes a new run, as far as is known. */
  take(): string | undefined {
    return this.peers?.takeRoom();
  }

  /** How many replicas are heard, this one counted. */
  get replicas(): number {
    return this.peers?.count ?? 1;
  }

  /** What operators said up to here is followed by all of them. */
  get followedPosition(): Position {
    return this.peers?.followedByAll() ?? 0;
  }

  /** What waits in front of which target, in each replica. */
  views() {
    return this.peers?.views() ?? this.admission.view();
  }
}
