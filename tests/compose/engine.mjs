import { spawn } from 'node:child_process';

// Containers through the command line of the engine. Every call has a time-out.

const MINUTE = 60_000;

/** What to say to the person at the terminal, without a stack trace. */
export class Complaint extends Error {}

/** There is nothing to run containers with: no result, neither good nor bad. */
export class NoEngine extends Complaint {}

/** Runs a program. @returns what it wrote to stdout. @throws {Complaint} It failed, or took too long. */
export function run(command, args, { env = {}, withinMs = MINUTE, cwd } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let all = '';
    const timer = setTimeout(() => child.kill('SIGKILL'), withinMs);
    child.stdout.on('data', (text) => ((out += text), (all += text)));
    child.stderr.on('data', (text) => (all += text));
    child.once('error', ({ message }) => {
      clearTimeout(timer);
      reject(new Complaint(`${command} cannot be run: ${message}`));
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) return resolve(out);
      const how = signal ? `did not end within ${withinMs / 1000} s` : `ended with ${code}`;
      reject(
        new Complaint(`${command} ${args.slice(0, 8).join(' ')} ${how}:\n${all.slice(-4_000)}`),
      );
    });
  });
}

/** Asks until `ask` gives something other than undefined. */
export async function eventually(awaited, withinMs, ask, everyMs = 500) {
  const deadline = Date.now() + withinMs;
  let last = '';
  while (Date.now() < deadline) {
    try {
      const value = await ask();
      if (value !== undefined) return value;
    } catch (failure) {
      last = `: ${failure.message}`;
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  throw new Complaint(`${awaited} was not seen within ${withinMs / 1000} s${last}`);
}

/** One compose project, with whichever compose is installed. */
export class Project {
  constructor(name, directory, env) {
    Object.assign(this, { name, directory, env });
  }

  /** @throws {NoEngine} */
  async findEngine() {
    const server = ['version', '--format', '{{.Server.Version}}'];
    const engine = await run('docker', server).catch(() => undefined);
    if (!engine) throw new NoEngine('no container engine: `docker version` finds no server');
    for (const command of [['docker', 'compose'], ['docker-compose']]) {
      const [program, ...first] = command;
      const version = await run(program, [...first, 'version', '--short']).catch(() => undefined);
      if (version === undefined) continue;
      this.command = command;
      return `docker ${engine.trim()}, ${command.join(' ')} ${version.trim()}`;
    }
    throw new NoEngine(
      'no container engine: neither `docker compose` nor `docker-compose` is here',
    );
  }

  compose(args, withinMs = 5 * MINUTE) {
    const [program, ...first] = this.command;
    const options = { env: this.env, withinMs, cwd: this.directory };
    return run(program, [...first, '-p', this.name, ...args], options);
  }

  /** The containers of a service, or of all; running ones unless told otherwise. */
  async containers(service, { also = [] } = {}) {
    const labels = [`com.docker.compose.project=${this.name}`];
    if (service) labels.push(`com.docker.compose.service=${service}`);
    const filters = labels.flatMap((label) => ['--filter', `label=${label}`]);
    const ids = (await run('docker', ['ps', '-q', '--no-trunc', ...also, ...filters])).split('\n');
    const found = ids.filter(Boolean);
    return found.length === 0 ? [] : JSON.parse(await run('docker', ['inspect', ...found]));
  }

  async one(service) {
    const [container] = await this.containers(service);
    if (!container) throw new Complaint(`${service} does not run`);
    return container;
  }

  async exec(container, args, withinMs) {
    return run('docker', ['exec', container.Id, ...args], { withinMs });
  }

  /** Waits until each service has `count` healthy containers. */
  async healthy(services, withinMs, count = () => 1) {
    for (const service of services)
      await eventually(
        `${count(service)} healthy container(s) of ${service}`,
        withinMs,
        async () => {
          const states = (await this.containers(service)).map(({ State }) => State.Health?.Status);
          return (
            states.filter((state) => state === 'healthy').length === count(service) || undefined
          );
        },
      );
  }

  /**
   * Kills what runs in a container as a crash would: from outside, which the engine does not take
   * for a wish to stop it. Where processes of containers are out of reach it is done from inside.
   */
  async crash(container) {
    try {
      process.kill(container.State.Pid, 'SIGKILL');
    } catch (failure) {
      if (failure.code !== 'EPERM' && failure.code !== 'ESRCH') throw failure;
      const program = 'kill -9 $(ls /proc | grep -E "^[0-9]+$" | sort -n | sed -n 2p)';
      await this.exec(container, ['sh', '-c', program]).catch(() => undefined);
    }
    await eventually(`a new start of ${container.Name}`, 60_000, async () => {
      const [now] = JSON.parse(await run('docker', ['inspect', container.Id]));
      const isNew = now.State.StartedAt !== container.State.StartedAt;
      return (isNew && now.State.Running) || undefined;
    });
  }
}
