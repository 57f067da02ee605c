import { existsSync } from 'node:fs';
import path from 'node:path';

/** Data and models of other authors, kept beside the repository; tests that need them skip visibly where they are absent. */
export const sharedDir = path.resolve(__dirname, '../../../shared');
export const describeWithShared = existsSync(sharedDir) ? describe : describe.skip;
