import { setPriority } from 'node:os';
import { serveParent } from '../../system/child-service';
import { WordDetector } from '../wake-word/detector';
import { STATUS_EVERY_MS } from '../job';
import { wakeWordCard, wordDir, WordModels } from '../wake-word/load';
import { wakeWordOutputOf } from '../wake-word/wake-word';
import type { WyomingJob, WyomingReport } from './job';
import { WyomingServer } from './server';
import { type OfferedWord, WyomingSession } from './session';

/** A client may send sound as fast as it likes: the doors and the box's own microphones go first. */
const NICENESS = 5;

/** The child that serves trigger words to voice assistants: what comes from the network is parsed and examined in here alone. */
async function serve(job: WyomingJob, send: (report: WyomingReport) => void) {
  const { wyoming, version } = job;
  const models = await WordModels.open(wyoming.words, job);
  const offered: OfferedWord[] = [];
  for (const { model } of wyoming.words) {
    const card = await wakeWordCard(wordDir(model, job));
    offered.push({ model, word: wakeWordOutputOf(card).word, version: card.version, origin: card.licence.origin });
  }
  const server = new WyomingServer({
    ...wyoming,
    session: () => new WyomingSession(new WordDetector(models.listeners()), offered, version),
    refused: (why) => send({ kind: 'refused', why }),
  });
  const port = await server.start();
  setPriority(NICENESS);
  send({ kind: 'listening', port, models: models.running });
  const timer = setInterval(() => send({ kind: 'status', at: Date.now(), clients: server.connected }), STATUS_EVERY_MS);
  return () => {
    clearInterval(timer);
    void server.stop();
  };
}

serveParent<WyomingJob, WyomingReport>(serve);
