import type { PictureTrouble } from '../../events';

/** What is wrong with a camera's picture and what to do about it, for people. */
export function describeTrouble({ kind, since, measure, limit }: PictureTrouble): { found: string; remedy: string } {
  const from = `since ${new Date(since).toISOString()}`;
  switch (kind) {
    case 'frozen':
      return {
        found: `frozen: every frame is the same picture ${from}`,
        remedy:
          'Restart the camera or the recorder that it is read from. For a source whose picture really never changes, set stuckMs: null.',
      };
    case 'black':
      return {
        found: `the picture is black (brightness ${measure.toFixed(0)} of 255, at least ${limit} is needed), ${from}`,
        remedy:
          'Check that the lens is not covered, the sensor cable is not loose and the light is on. Check exposure and infrared light.',
      };
    case 'covered':
      return {
        found: `the picture has only one tone (detail ${percent(measure)}, at least ${percent(limit)} is needed), ${from}`,
        remedy: 'Check that the lens is not covered, dirty or fogged, and that the camera does not look at a wall.',
      };
    case 'blurred':
      return {
        found: `out of focus: ${percent(measure)} of the sharpness of its reference (at least ${percent(limit)} is needed), ${from}`,
        remedy:
          'Clean and focus the lens. If this is as sharp as it gets, take the reference again: usher doctor --reference',
      };
    case 'moved':
      return {
        found: `its view has changed: similarity ${measure.toFixed(2)} to its reference (at least ${limit} is needed), ${from}`,
        remedy: 'Turn the camera back. If the new view is intended, take the reference again: usher doctor --reference',
      };
    case 'turned':
      return {
        found: `faces stand on their side or on their head: the picture must be turned by ${measure} degrees, ${from}`,
        remedy: `Set rotate: ${measure} for this camera (added to what is set), or turn the camera.`,
      };
  }
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share < 0.01 ? 2 : 0)} %`;
}
