/** node-webcam ships no types; only what is used here. */
declare module 'node-webcam' {
  export interface WebcamOptions {
    width: number;
    height: number;
    quality: number;
    output: 'jpeg' | 'png';
    device: string;
    skip: number;
    callbackReturn: 'location';
    saveShots: boolean;
    verbose: boolean;
  }

  export interface Webcam {
    /** The program, put in front of its options unquoted. */
    bin: string;
    /** Calls back with an Error, a string, or null and the place of the picture. */
    capture(location: string, callback: (error: unknown, location?: string) => void): void;
  }

  export function create(options: WebcamOptions, type?: 'fswebcam'): Webcam;
}
