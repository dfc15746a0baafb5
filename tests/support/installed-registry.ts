import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const WORKSPACE = join(__dirname, '..', '..');
const TARBALL = /^\/-\/tarballs\/(.+)\.tgz$/;

interface Manifest {
  readonly version: string;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}
type Folders = ReadonlyMap<string, readonly string[]>;

/**
 * An npm registry with the packages that the workspace has installed, and no others, as they lie in
 * node_modules: what npm installs from it is what everything else was tested with, without a network.
 */
export class InstalledRegistry {
  private constructor(private readonly server: Server) {}

  static async start(): Promise<InstalledRegistry> {
    const folders = foldersByName();
    const server = createServer((request, response) => {
      const path = decodeURIComponent(request.url ?? '');
      const [, folder] = TARBALL.exec(path) ?? [];
      if (folder !== undefined) return void response.end(tarballOf(folder));
      if (!folders.has(path.slice(1))) return void response.writeHead(404).end('{}');
      response.setHeader('content-type', 'application/json');
      const { host = '' } = request.headers;
      response.end(JSON.stringify(packumentOf(path.slice(1), folders, host)));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new InstalledRegistry(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

/** A package may be there in several versions, the one at the top first. */
function foldersByName(): Folders {
  const lock = JSON.parse(readFileSync(join(WORKSPACE, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, unknown>>;
  };
  const folders = new Map<string, string[]>();
  for (const folder of Object.keys(lock.packages)) {
    const name = folder.split('node_modules/').at(-1) ?? '';
    if (!folder.startsWith('node_modules/') || name.startsWith('@downbeat/')) continue;
    if (!existsSync(join(WORKSPACE, folder, 'package.json'))) continue;
    folders.set(name, [...(folders.get(name) ?? []), folder].sort(byLength));
  }
  return folders;
}

const byLength = (one: string, other: string): number => one.length - other.length;

function packumentOf(name: string, folders: Folders, host: string): object {
  const manifests = (folders.get(name) ?? []).map((folder): Manifest => {
    const path = join(WORKSPACE, folder, 'package.json');
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as Manifest;
    const tarball = `http://${host}/-/tarballs/${encodeURIComponent(folder)}.tgz`;
    // npm asks for optional peers too: those that are not installed would be missing.
    const peers = Object.entries(manifest.peerDependencies ?? {});
    const peerDependencies = Object.fromEntries(peers.filter(([peer]) => folders.has(peer)));
    return { ...manifest, peerDependencies, dist: { tarball } };
  });
  return {
    name,
    'dist-tags': { latest: manifests[0]?.version },
    versions: Object.fromEntries(manifests.map((manifest) => [manifest.version, manifest])),
  };
}

function tarballOf(folder: string): Buffer {
  const room = mkdtempSync(join(tmpdir(), 'downbeat-tarball-'));
  try {
    const filter = (path: string): boolean => basename(path) !== 'node_modules';
    cpSync(join(WORKSPACE, folder), join(room, 'package'), { recursive: true, filter });
    return execFileSync('tar', ['-czf', '-', '-C', room, 'package'], { maxBuffer: 2 ** 28 });
  } finally {
    rmSync(room, { recursive: true });
  }
}
