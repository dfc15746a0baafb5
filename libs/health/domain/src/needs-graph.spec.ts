import { NeedsGraph } from './needs-graph';

describe('who needs whom', () => {
  const needing = (service_name: string, required = true) => ({
    service_name,
    required,
    is_critical: false,
  });

  it('is told from both ends, and only required needs from the other one', () => {
    const graph = new NeedsGraph();
    graph.set('shop', [needing('ledger'), needing('mailer', false)]);
    graph.set('till', [needing('ledger')]);
    expect(graph.needsOf('shop')).toHaveLength(2);
    expect([...graph.dependentsOf('ledger')]).toEqual(['shop', 'till']);
    expect([...graph.dependentsOf('mailer')]).toEqual([]);
    graph.set('shop', [needing('mailer')]);
    expect([...graph.dependentsOf('ledger')]).toEqual(['till']);
    expect([...graph.dependentsOf('mailer')]).toEqual(['shop']);
    graph.set('till', []);
    expect([...graph.dependentsOf('ledger')]).toEqual([]);
  });
});
