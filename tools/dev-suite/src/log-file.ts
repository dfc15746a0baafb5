import { closeSync, fstatSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '@downbeat/local-servers';

const BYTES_MAX = 10 * 1024 * 1024;
const OLDER_FILES_MAX = 2;

/**
 * One process's log, `<name>.log`. A full file becomes `<name>.log.1`, and the one before it
 * `.2`; what is older goes. Written line by line, so that nothing is lost when this process is killed.
 */
export class LogFile {
  readonly path: string;
  private fd: number;
  private bytes: number;

  constructor(
    directory: string,
    name: string,
    private readonly bytesMax = BYTES_MAX,
  ) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.path = join(directory, `${name}.log`);
    this.fd = openSync(this.path, 'a', 0o600);
    this.bytes = fstatSync(this.fd).size;
  }

  write(line: string): void {
    try {
      if (this.bytes >= this.bytesMax) this.rotate();
      this.bytes += writeSync(this.fd, `${line}\n`);
    } catch (error) {
      // A full disk costs log lines, not the suite.
      if (systemCode(error) === undefined) throw error;
    }
  }

  close(): void {
    closeSync(this.fd);
  }

  private rotate(): void {
    closeSync(this.fd);
    rmSync(`${this.path}.${OLDER_FILES_MAX}`, { force: true });
    for (let number = OLDER_FILES_MAX - 1; number >= 0; number--)
      this.rename(
        number === 0 ? this.path : `${this.path}.${number}`,
        `${this.path}.${number + 1}`,
      );
    this.fd = openSync(this.path, 'a', 0o600);
    this.bytes = fstatSync(this.fd).size;
  }

  private rename(from: string, to: string): void {
    try {
      renameSync(from, to);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
    }
  }
}
