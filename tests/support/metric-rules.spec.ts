import { faultsOf } from './metric-rules';
import { scraped } from './scrape';

const faultsIn = (...lines: string[]) => faultsOf(scraped(lines.join('\n')).values());
const gauge = (name: string, ...samples: string[]) =>
  faultsIn(`# HELP ${name} what it is`, `# TYPE ${name} gauge`, ...samples);

describe('the rules of metrics', () => {
  it('are content with names and labels that stand in code', () => {
    expect(gauge('runs', 'runs{status="half-open",route="/services/:id"} 1')).toEqual([]);
    expect(gauge('requests', 'requests{status="503"} 1')).toEqual([]);
  });

  it.each([
    'f47ac10b-58cc-4372-a567-0e02b2c3d479',
    'run:4bf92f3577b34da6a3ce929d0e0e4736',
    'order-4711',
    '10.0.0.7',
    'guest@example.com',
    'Grand Hotel',
  ])('find an id in a label: %s', (value) => {
    expect(gauge('runs', `runs{run="${value}"} 1`)).toEqual([
      `runs: run="${value}" looks like an id`,
    ]);
  });

  it('find a label with too many values', () => {
    const names = Array.from(
      { length: 151 },
      (_, n) =>
        `a${String.fromCharCode(97 + (n % 26))}${String.fromCharCode(97 + Math.floor(n / 26))}`,
    );
    expect(gauge('runs', ...names.map((name) => `runs{workflow="${name}"} 1`))).toEqual([
      'runs: workflow has 151 values',
    ]);
  });

  it.each([
    ['runs', 'counter'],
    ['runs_total', 'gauge'],
    ['run_duration_ms', 'gauge'],
    ['run_duration', 'histogram'],
  ])('find that %s is no name for a %s', (name, type) => {
    expect(faultsIn(`# HELP ${name} what it is`, `# TYPE ${name} ${type}`)).toHaveLength(1);
  });

  it('find a metric that nobody explains', () => {
    expect(faultsIn('# TYPE runs gauge', 'runs 1')).toEqual(['runs: does not say what it is']);
  });
});
