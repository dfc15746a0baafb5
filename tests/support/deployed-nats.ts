import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NatsRights } from './suite';

const DEPLOY = join(__dirname, '..', '..', 'deploy');
const READERS = [
  ...['store', 'postgres', 'migrate', 'nats', 'clients'],
  ...['registry', 'health', 'saga', 'orchestrator', 'gateway'],
];

/** The rights on NATS that are deployed, made by the programs that make them. */
export class DeployedNats implements NatsRights {
  private readonly folder = mkdtempSync(join(tmpdir(), 'downbeat-secrets-'));

  constructor() {
    for (const reader of READERS) mkdirSync(join(this.folder, reader));
    this.run('secrets.mjs');
  }

  /** What the server is told of users: where it listens and stores is its own. */
  get config(): string {
    const { folder } = this;
    return readFileSync(join(folder, 'nats', 'nats.conf'), 'utf8')
      .replace('include "passwords.conf"', this.passwords)
      .replace(/^(listen|http|server_name): .*$/gm, '')
      .replace(/^jetstream \{[^}]*\}$/m, '');
  }

  readonly passwordOf = (user: string): string => {
    const service = /^service-(.+)$/.exec(user)?.[1];
    if (service !== undefined)
      return new URL(this.run('service-identity.mjs', 'show', service)).password;
    const [, password] = new RegExp(`^${user}_password: "(.*)"$`, 'm').exec(this.passwords) ?? [];
    if (password === undefined) throw new Error(`NATS has no user ${user}`);
    return password;
  };

  /** One of the programs of `deploy/`. @returns What it says. @throws When it refuses. */
  run(program: string, ...said: readonly string[]): string {
    return execFileSync(process.execPath, [join(DEPLOY, program), ...said], {
      env: { DOWNBEAT_SECRETS_DIR: this.folder },
      encoding: 'utf8',
      stdio: 'pipe',
    });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private get passwords(): string {
    return readFileSync(join(this.folder, 'nats', 'passwords.conf'), 'utf8');
  }
}
