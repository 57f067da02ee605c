import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/system/paths';

/** The installed model bundles as links in a folder of the test's own, where single files can be spoilt and mended. */
export class LinkedBundles {
  private readonly installed = join(packageRoot(), 'models');

  constructor(readonly dir: string) {}

  link(): void {
    mkdirSync(this.dir, { recursive: true });
    const folders = readdirSync(this.installed, { withFileTypes: true }).filter(
      ({ name }) => !/^catalog$|\./.test(name),
    );
    for (const { name } of folders) symlinkSync(join(this.installed, name), join(this.dir, name));
  }

  /** Turns over one bit in the middle of the network's file. */
  flipBit(bundle: string): void {
    const folder = join(this.dir, bundle);
    rmSync(folder);
    mkdirSync(folder);
    for (const file of readdirSync(join(this.installed, bundle)))
      copyFileSync(join(this.installed, bundle, file), join(folder, file));
    const bytes = readFileSync(join(folder, 'model.onnx'));
    const middle = bytes.length >> 1;
    bytes[middle] = (bytes[middle] ?? 0) ^ 1;
    writeFileSync(join(folder, 'model.onnx'), bytes);
  }

  remove(bundle: string): void {
    rmSync(join(this.dir, bundle), { recursive: true });
  }

  mend(bundle: string): void {
    rmSync(join(this.dir, bundle), { recursive: true, force: true });
    symlinkSync(join(this.installed, bundle), join(this.dir, bundle));
  }
}
