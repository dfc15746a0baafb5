import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';

/**
 * Loaded into a process before its program: SIGUSR2 begins a CPU profile, the next one writes it to
 * `PROFILE_FILE`. What `node --cpu-prof` takes begins with the start of the process, and a second of
 * loading modules hides what comes after it.
 */
const SAMPLE_EVERY_US = 500;
const session = new Session();
let isProfiling = false;

process.on('SIGUSR2', () => {
  if (isProfiling) return end();
  isProfiling = true;
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.setSamplingInterval', { interval: SAMPLE_EVERY_US });
  session.post('Profiler.start');
});

function end(): void {
  isProfiling = false;
  session.post('Profiler.stop', (fault, { profile }) => {
    if (fault) throw fault;
    writeFileSync(process.env['PROFILE_FILE'] ?? 'profile.cpuprofile', JSON.stringify(profile));
    session.disconnect();
  });
}
