/**
 * The domain's events: plain data, small enough to cross from a vision or voice child to control. Times are milliseconds;
 * `at` is wall-clock (epoch), so that it means the same in both processes of one machine.
 */

/** A box in pixels of the frame it was found in; may reach over the frame's edge. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Why a face was not encoded. One reason a face: the first that fails, in this order. */
export type QualityRefusal =
  | 'outside-region'
  | 'cut-off'
  | 'too-small'
  | 'too-dark'
  | 'too-bright'
  | 'low-contrast'
  | 'turned-away'
  | 'blurred'
  /** Nothing in the picture has moved since the last one that counted: it says nothing new. */
  | 'unmoved';

/** What was measured on an aligned face. */
export interface Quality {
  /** Distance between the eyes in frame pixels. */
  readonly interocularPx: number;
  /** Variance of the Laplacian on the aligned grey face, normalised by its contrast; higher is sharper. */
  readonly sharpness: number;
  /** Mean luma of the face, 0..255. */
  readonly brightness: number;
  /** Standard deviation of the luma of the face. */
  readonly contrast: number;
  /** Left/right asymmetry of the nose between the eyes, 0 frontal, ±1 profile. */
  readonly yaw: number;
  /** Nose height between eyes and mouth relative to a frontal face, 0 frontal. */
  readonly pitch: number;
  /** In-plane rotation in degrees. */
  readonly rollDeg: number;
  /** Overall 0..1, used to weigh frames against one another. */
  readonly score: number;
}

/** `absent`: nothing judges liveness here, which is never the same as live. */
export type LivenessState = 'live' | 'fake' | 'undecided' | 'absent';

/** What is known of the subject's being no picture, over the frames of its track. */
export interface Liveness {
  readonly state: LivenessState;
  /** Mean logit of live against fake; null when no frame was scored. */
  readonly score: number | null;
  /** Scored frames that it rests on. */
  readonly frames: number;
  /** How the landmarks moved: too little to tell, as a head does, or as a flat picture does. */
  readonly motion: 'still' | 'depth' | 'flat';
}

export const LIVENESS_ABSENT: Liveness = { state: 'absent', score: null, frames: 0, motion: 'still' };

/** The one face of a frame that the door decides on. */
export interface Subject {
  readonly box: Box;
  readonly detectionScore: number;
  readonly track: number;
  readonly quality: Quality;
  readonly refusal: QualityRefusal | null;
  /** The frame's own embedding, and the quality-weighted mean of the track's; null when the face was refused. */
  readonly embedding: Float32Array | null;
  readonly fused: Float32Array | null;
  /** How many frames `fused` rests on. */
  readonly fusedFrames: number;
  readonly liveness: Liveness;
}

/** One analysed frame. */
export interface Observation {
  readonly kind: 'observation';
  readonly camera: string;
  /** When the frame left the camera source (epoch ms). */
  readonly at: number;
  /**
   * When the picture was taken, on the machine's monotonic clock (ms), which all its processes share; the door logic
   * uses it. It is older than `at` by the delay of the camera and its stream.
   */
  readonly mono: number;
  /** Ordinal of the frame in its source; gaps are dropped frames. */
  readonly frame: number;
  /** Faces found, suitable or not. */
  readonly faces: number;
  readonly subject: Subject | null;
  /** Embedding space of the vectors. */
  readonly space: string;
}

/** Condition of a camera or a microphone. */
export type SourceState = 'starting' | 'live' | 'stalled' | 'ended' | 'failed';

/** The picture as a whole shows another scene than before (or the first one). */
export interface SceneChange {
  readonly kind: 'scene';
  readonly camera: string;
  readonly at: number;
  /** A label of the scene model. */
  readonly scene: string;
  readonly score: number;
}

/** Possible faults of the picture of a camera that delivers. With the first three no person can be seen. */
export type PictureFault = 'frozen' | 'black' | 'covered' | 'blurred' | 'moved' | 'turned';

export interface PictureTrouble {
  readonly kind: PictureFault;
  /** Epoch ms. */
  readonly since: number;
  /** What was measured when it was noticed, and the bound that it passed; each kind has its own unit. */
  readonly measure: number;
  readonly limit: number;
}

/** A change of the camera's condition, or a periodic sign of life. */
export interface CameraStatus {
  readonly kind: 'camera';
  readonly camera: string;
  readonly at: number;
  readonly state: SourceState;
  readonly detail: string | null;
  readonly framesCaptured: number;
  readonly framesAnalysed: number;
  readonly framesDropped: number;
  /** Of the captured ones, those that came too late to be looked at. */
  readonly framesLate: number;
  readonly restarts: number;
  /** Epoch ms of the last frame that was captured, and of the last that was analysed. */
  readonly lastFrameAt: number | null;
  readonly lastAnalysisAt: number | null;
  /** Frames with the very pixels of the one before: they are not analysed. */
  readonly framesRepeated: number;
  /** Epoch ms of the last frame that differed from the one before. */
  readonly lastChangeAt: number | null;
  /** Mean time between pictures that differ, ms; null before there are two. */
  readonly intervalMs: number | null;
  readonly trouble: PictureTrouble | null;
}

/** Sent once, when the child has loaded its models: what really runs. */
export interface VisionReady {
  readonly kind: 'ready';
  readonly camera: string;
  readonly at: number;
  readonly space: string;
  readonly models: readonly RunningModel[];
}

export interface RunningModel {
  readonly task: string;
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
  /** Configured execution providers, in order, and the one in use. */
  readonly providersAsked: readonly string[];
  readonly provider: string;
}

/** The last message of a child process that cannot go on. */
export interface ChildFailed {
  readonly kind: 'failed';
  readonly message: string;
  readonly remedy: string | null;
}

/** The answer of a child process to an order to adopt other models. */
export interface ModelsAdopted {
  readonly kind: 'adoption';
  /** Of the order that it answers. */
  readonly order: number;
  /** Why the child goes on with the models that it had; null: it has adopted the others. */
  readonly failure: string | null;
}

export type VisionEvent = Observation | SceneChange | CameraStatus | VisionReady | ChildFailed | ModelsAdopted;

/** A trigger word was detected. */
export interface Activation {
  readonly kind: 'activation';
  readonly microphone: string;
  /** As it is pronounced, and the bundle that detected it. */
  readonly word: string;
  readonly model: string;
  /** Mean score, 0 to 1. */
  readonly score: number;
  /** Estimated begin and end of the word (epoch ms, by the sound's own clock). */
  readonly startAt: number;
  readonly endAt: number;
  /** When the sound that decided it left the microphone (epoch ms). */
  readonly at: number;
}

/** A change of the microphone's condition, or a periodic sign of life. */
export interface MicrophoneStatus {
  readonly kind: 'microphone';
  readonly microphone: string;
  readonly at: number;
  readonly state: SourceState;
  readonly detail: string | null;
  /** Sound comes, and it is not one value over and over. */
  readonly hearing: boolean;
  /** What is wrong with sound that does come: too loud, direct current. */
  readonly trouble: string | null;
  /** Loudness of the last second without its direct current, and its peak, dB of full scale; null for digital silence. */
  readonly rmsDbfs: number | null;
  readonly peakDbfs: number | null;
  readonly samples: number;
  /** Openings again, and losses within one. */
  readonly gaps: number;
  readonly overruns: number;
  readonly restarts: number;
  /** Epoch ms of the last received sound, and of the last processed one. */
  readonly lastSoundAt: number | null;
  readonly lastScoredAt: number | null;
}

/** Sent once, when the child has loaded its models: what really runs. */
export interface VoiceReady {
  readonly kind: 'ready';
  readonly microphone: string;
  readonly at: number;
  readonly words: readonly string[];
  readonly models: readonly RunningModel[];
}

export type VoiceEvent = Activation | MicrophoneStatus | VoiceReady | ChildFailed | ModelsAdopted;
