import { existsSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { basename } from 'node:path';
import { type EnrolmentPicture, judgePicture } from '../../access/members/enrolment';
import type { LoadedConfig } from '../../config/load/load';
import type { CameraConfig } from '../../config/schema/cameras';
import { openStore } from '../../daemon/store/open-store';
import { UsherError } from '../../errors';
import type { FaceAnalyser } from '../../vision/faces/analyser';
import { createCameraSource } from '../../vision/camera/create';
import { superviseCamera } from '../../vision/camera/supervisor';
import { monotonicMs } from '../../system/clock';
import { candidateEncoder, installedModels } from '../../fleet/update/installed';
import { chooseModels, loadAnalyser, readEncoderCard } from '../../vision/faces/load';
import { readPicture } from '../../vision/picture/picture';
import { analyseUpright } from '../../vision/faces/upright';
import { PictureWatch } from '../../vision/watch/picture-watch';
import { captureFaces } from './capture-faces';
import { consentOf } from './consent';
import { describeVerdict, verdictJson } from './enrol-report';
import { checkEnrolRequest, enrolMember, type Enrolled, type EnrolRequest } from './enrol-member';
import {
  type InstallationOptions,
  loadInstallation,
  locationOf,
  withInstallationOptions,
} from '../../terminal/installation';
import { memberJson } from './report';

interface Options extends InstallationOptions {
  readonly id: string;
  readonly name?: string;
  readonly camera?: string;
  readonly frames: number;
  readonly seconds: number;
  readonly force?: boolean;
  readonly replace?: boolean;
  readonly candidate?: boolean;
  readonly consentText?: string;
  readonly consentBy?: string;
  readonly json?: boolean;
}

const MAX_PHOTOS = 20;
const FRAME_GAP_MS = 400;

/** `usher enroll`: enrols a member from photos or from the camera at the door. */
export function enrollCommand(): Command {
  const command = new Command('enroll')
    .description('enrol a member from photos (JPEG, PNG, WebP, TIFF, GIF, AVIF), or from a configured camera')
    .argument('[photo...]', `1 to ${MAX_PHOTOS} pictures of one person`)
    .requiredOption('--id <id>', 'member id, as the card reader sends it: 1 to 64 of A-Z a-z 0-9 . _ -')
    .option('--name <name>', 'name of the person')
    .option('--camera <id>', 'take frames from this camera instead of photos')
    .option('--frames <n>', 'with --camera: number of good frames', wholeNumber(1, 20), 5)
    .option('--seconds <n>', 'with --camera: how long to wait for them', wholeNumber(1, 600), 30)
    .option('--consent-text <version>', 'version of the text that the person agreed to')
    .option('--consent-by <who>', 'who took the consent')
    .option('--force', 'continue although another member is probably the same person')
    .option('--replace', 'enrol a member again: replace the old templates')
    .option('--candidate', 'enrol for the encoder of a release that waits for it; present templates stay');
  return withInstallationOptions(command)
    .option('--json', 'write JSON')
    .action(async (photos: string[], options: Options) => {
      checkSource(photos, options);
      const enrolled = await enroll(photos, options, (line) => {
        if (options.json !== true) process.stdout.write(`${line}\n`);
      });
      if (options.json === true) process.stdout.write(`${JSON.stringify(enrolledJson(enrolled))}\n`);
    });
}

async function enroll(photos: readonly string[], options: Options, say: (line: string) => void): Promise<Enrolled> {
  const installation = await loadInstallation(options);
  const camera = cameraOf(installation, options.camera);
  const request: EnrolRequest = {
    id: options.id,
    name: options.name,
    force: options.force === true,
    replace: options.replace === true || options.candidate === true,
    keepOthers: options.candidate === true,
    source: options.camera === undefined ? 'picture' : 'camera',
    consent: consentOf(options, Date.now()),
    consentRule: installation.config.security.consent,
  };
  if (!existsSync(installation.dataDir))
    say(`  creating the data folder ${installation.dataDir} for members, templates and keys`);
  const store = openStore(locationOf(installation));
  try {
    checkEnrolRequest(store, request);
    const { analyser, encoder } = await loadVision(installation, camera, options.candidate === true);
    try {
      const pictures =
        options.camera === undefined
          ? await picturesOf(photos, analyser, say)
          : await framesOf(camera, analyser, options, say);
      const enrolled = enrolMember(store, request, pictures, encoder);
      for (const picture of enrolled.pictures)
        if (!picture.accepted && picture.refusal.reason === 'different-person') say(`  ${describeVerdict(picture)}`);
      if (enrolled.lookalike !== null)
        say(
          `  warning: ${enrolled.lookalike.picture} looks like member ${enrolled.lookalike.member}; each may be taken for the other`,
        );
      const count = enrolled.accepted.length;
      say(
        `${enrolled.member.id} (${enrolled.member.name}) is enrolled with ${count} template${count === 1 ? '' : 's'}`,
      );
      return enrolled;
    } finally {
      await analyser.dispose();
    }
  } finally {
    store.close();
  }
}

async function loadVision({ config, dataDir, modelsDir }: LoadedConfig, camera: CameraConfig, candidate: boolean) {
  const installed = await installedModels(dataDir);
  const encoder = candidate ? { encoder: candidateEncoder(dataDir) } : {};
  const models = await chooseModels(modelsDir, { ...config.models, ...installed, ...encoder });
  const { output } = await readEncoderCard(modelsDir, models.encoder);
  const analyser = await loadAnalyser({
    modelsDir,
    models,
    execution: config.inference,
    mirror: config.inference.mirror,
    region: camera.region,
    minFacePx: camera.minFacePx,
    gates: camera.quality,
  });
  return { analyser, encoder: { ...output, table: output.thresholds } };
}

async function picturesOf(
  photos: readonly string[],
  analyser: FaceAnalyser,
  say: (line: string) => void,
): Promise<EnrolmentPicture[]> {
  const pictures: EnrolmentPicture[] = [];
  for (const photo of photos) {
    const picture = await pictureOf(photo, analyser);
    say(`  ${describeVerdict(judgePicture(picture))}`);
    pictures.push(picture);
  }
  return pictures;
}

/** An unreadable picture is refused like any other; the rest may be enough. */
async function pictureOf(photo: string, analyser: FaceAnalyser): Promise<EnrolmentPicture> {
  const name = basename(photo);
  try {
    return { name, ...(await analyseUpright(analyser, await readPicture(photo))) };
  } catch (error) {
    if (!(error instanceof UsherError) || !['picture-invalid', 'file-unreadable'].includes(error.code)) throw error;
    return { name, unreadable: error.message };
  }
}

async function framesOf(
  camera: CameraConfig,
  analyser: FaceAnalyser,
  { frames, seconds }: Options,
  say: (line: string) => void,
): Promise<EnrolmentPicture[]> {
  const source = createCameraSource(camera, { warn: (message) => say(`  ${message}`) });
  // A frozen picture may show the person who was there before.
  const watch = new PictureWatch({ stuckMs: camera.stuckMs, reference: null, monotonicMs });
  const supervised = superviseCamera(watch.watch(source), camera);
  say(`look into the camera ${camera.id} (${source.name})`);
  return captureFaces(watch.fresh(supervised.frames), (frame) => analyser.live(frame), {
    wanted: frames,
    deadlineMs: seconds * 1000,
    gapMs: FRAME_GAP_MS,
    hint: (text) => say(`  ${text}`),
    fault: () => supervised.health().detail,
  });
}

function checkSource(photos: readonly string[], { camera }: Options): void {
  const usage = (message: string, remedy: string): UsherError => new UsherError('usage', message, { remedy });
  if (photos.length === 0 && camera === undefined)
    throw usage('neither photos nor a camera are given', 'Name one or more photos, or a camera with --camera ID.');
  if (photos.length > 0 && camera !== undefined)
    throw usage('photos and --camera cannot be combined', 'Give either photos or --camera.');
  if (photos.length > MAX_PHOTOS)
    throw usage(
      `${photos.length} photos are more than ${MAX_PHOTOS}`,
      'Choose the best; 3 to 5 different ones are enough.',
    );
}

/**
 * The named camera. For photos the first camera: its quality gates apply, since the photos will be compared with its
 * frames.
 */
function cameraOf({ config, file }: LoadedConfig, id: string | undefined): CameraConfig {
  const camera = config.cameras.find((each) => id === undefined || each.id === id);
  if (camera !== undefined) return camera;
  throw new UsherError('usage', `${file} has no camera "${id ?? ''}"`, {
    remedy: `Configured cameras: ${config.cameras.map((each) => each.id).join(', ')}`,
  });
}

function enrolledJson({ member, pictures, accepted, lookalike }: Enrolled): object {
  return { member: memberJson(member), accepted: accepted.length, pictures: pictures.map(verdictJson), lookalike };
}

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < min || value > max)
      throw new InvalidArgumentError(`expected a whole number from ${min} to ${max}`);
    return value;
  };
}
