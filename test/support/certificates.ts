import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A site's certificate authority in a folder of its own, made by openssl as a site would. */
export class Authority {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'usher-authority-'));

  constructor() {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'ca.key'];
    this.openssl('req', '-x509', ...key, '-days', '2', '-subj', '/CN=authority', '-out', 'ca.pem');
  }

  file(name: string): string {
    return path.join(this.folder, name);
  }

  read(name: string): Buffer {
    return readFileSync(this.file(name));
  }

  /** Writes NAME.pem and NAME.key. */
  issue(name: string, extension = 'extendedKeyUsage=clientAuth', days = 2): void {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`];
    this.openssl('req', ...key, '-subj', `/CN=${name}`, '-out', `${name}.csr`);
    writeFileSync(this.file(`${name}.ext`), `${extension}\n`);
    const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', `${name}.ext`];
    this.openssl('x509', '-req', '-days', String(days), '-in', `${name}.csr`, ...by, '-out', `${name}.pem`);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private openssl(...words: string[]): void {
    execFileSync('openssl', words, { cwd: this.folder, stdio: 'pipe' });
  }
}
