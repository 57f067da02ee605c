import { SceneArbiter } from '../../../src/daemon/cameras/scene-arbiter';
import type { SceneChange } from '../../../src/events';

const change = (scene: string): SceneChange => ({ kind: 'scene', camera: 'cam', at: 1, scene, score: 0.9 });

describe('whose word on the scene counts', () => {
  const told: string[] = [];
  let word: SceneArbiter;
  beforeEach(() => {
    told.length = 0;
    word = new SceneArbiter(({ scene }) => told.push(scene));
  });

  it('is the running model’s, whatever a candidate says beside it', () => {
    word.ofOwn(change('day'));
    word.ofCandidate(change('night'));
    word.again();
    expect(told).toEqual(['day']);
    expect(word.ownScene).toBe('day');
  });

  it('is the candidate’s from what it said last, and then the running model’s from what that said last', () => {
    word.ofOwn(change('day'));
    word.ofCandidate(change('night'));
    word.decide(true);
    word.decide(true);
    word.ofOwn(change('night'));
    word.ofOwn(change('day'));
    word.ofCandidate(change('dusk'));
    word.decide(false);
    expect(told).toEqual(['day', 'night', 'dusk', 'day']);
  });

  it('stands when the running process is started anew meanwhile', () => {
    word.ofCandidate(change('night'));
    word.decide(true);
    word.forgetOwn();
    word.again();
    expect(told).toEqual(['night', 'night']);
    expect(word.ownScene).toBeNull();
    // Nothing is known until it has looked.
    word.decide(false);
    word.decide(true);
    expect(told).toEqual(['night', 'night']);
  });
});
