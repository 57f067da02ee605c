import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../../src/system/paths';
import { PAGES } from './pages';

/** Writes the generated pages of the reference: `npm run reference`. Build first. */
const folder = join(packageRoot(), 'docs', 'reference');
mkdirSync(folder, { recursive: true });
for (const [name, page] of Object.entries(PAGES)) writeFileSync(join(folder, name), page());
