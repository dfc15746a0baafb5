import { Logger } from '@nestjs/common';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { showTeeth } from './all-teeth';
import { liveThroughSeeds } from './many-seeds';
import { tellSeed } from './one-seed';

const WORKERS_MAX = 64;

/** @throws {RangeError} An option makes no sense. */
export async function main(args: readonly string[]): Promise<boolean> {
  Logger.overrideLogger(false);
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: 'string', default: '1000' },
      'first-seed': { type: 'string', default: '1' },
      seed: { type: 'string' },
      teeth: { type: 'boolean', default: false },
      tooth: { type: 'string' },
      workers: { type: 'string', default: String(Math.min(availableParallelism(), WORKERS_MAX)) },
    },
  });
  const workers = number('workers', values.workers, WORKERS_MAX);
  if (values.seed !== undefined) return tellSeed(number('seed', values.seed), values.tooth, say);
  if (values.teeth) return showTeeth(workers, say);
  const first = number('first-seed', values['first-seed']);
  return liveThroughSeeds(first, number('seeds', values.seeds), workers, say);
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

function number(name: string, text: string, max = 2 ** 31): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > max)
    throw new RangeError(`--${name} must be a whole number from 1 to ${max}`);
  return value;
}
