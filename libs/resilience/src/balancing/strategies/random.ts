import { Endpoint } from '../endpoint';
import { Group } from '../group';
import { Member } from '../member';
import { Strategy } from './strategy';

/** Anybody, each as likely as its weight: needs no memory, so callers cannot fall into step. */
export class RandomChoice implements Strategy {
  constructor(private readonly chance: () => number) {}

  choose<E extends Endpoint>(group: Group<E>): Member<E> {
    return group.seat(group.draw(this.chance())).member;
  }
}
