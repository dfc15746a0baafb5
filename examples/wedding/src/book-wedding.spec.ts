import { answers, givenWorkflow, isSilent, refuses } from '@downbeat/sdk/testing';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const text = readFileSync(join(__dirname, '..', 'book-wedding.yaml'), 'utf8');
const booking = { booking_id: 'b-1', venue: 'castle', date: '2027-06-01', deposit: 2_000 };
const wedding = givenWorkflow(parse(text)).with({ booking });

describe('a wedding', () => {
  it('is booked, and the couple told', () =>
    expect(wedding.play()).toMatchObject({
      status: 'completed',
      called: [
        'hold-venue',
        'order-catering',
        'book-photographer',
        'capture-deposit',
        'confirm-venue',
        'notify-couple',
      ],
      elapsedMs: 0,
    }));

  it('cools off before a large deposit', () =>
    expect(wedding.with({ booking: { ...booking, deposit: 20_000 } }).play()).toMatchObject({
      status: 'completed',
      elapsedMs: 1_000,
    }));

  it('whose payment is refused keeps nothing', () => {
    const run = wedding.when({ 'capture-deposit': refuses(402, 'no funds') }).play();
    expect(run.status).toBe('compensated');
    expect(run.undone).toEqual(['book-photographer', 'order-catering', 'hold-venue']);
  });

  it('whose payment is silent is refunded too: nobody knows', () => {
    const run = wedding.when({ 'capture-deposit': isSilent() }).play();
    expect(run.undone[0]).toBe('capture-deposit');
    expect(run.undone).toHaveLength(4);
  });

  it('survives a photographer who answers late', () => {
    const late = [isSilent(), answers({ id: 'p-1' }, { afterMs: 300 })];
    expect(wedding.when({ 'book-photographer': late }).play()).toMatchObject({
      status: 'completed',
      undone: [],
    });
  });
});
