import { type Lent, type Source, type SourceLog } from '../../sources/source';
import { type CapturedFrame } from '../picture/frame';

/**
 * A captured frame whose buffer belongs to the source. A consumer that calls `release()` when it is done with `data` gives
 * the buffer back for a later frame; one that does not is still correct, its frames are then garbage-collected (2.8 MB each
 * at 1280×720). With latest-wins processing and release, three buffers circulate: one in work, one waiting, one being filled.
 * A ring that is overwritten in turn would not do: work that outlasts two frame intervals would see its picture change.
 */
export interface LentFrame extends CapturedFrame, Lent {}

/** Fails with UsherError `camera-failed` or `dependency-missing`. */
export type CameraSource = Source<LentFrame>;

export type CameraLog = SourceLog;
