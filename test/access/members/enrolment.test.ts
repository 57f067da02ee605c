import fc from 'fast-check';
import {
  type EnrolmentFace,
  type EnrolmentPicture,
  judgeEnrolment,
  ofOnePerson,
  type PictureVerdict,
} from '../../../src/access/members/enrolment';
import { Gallery } from '../../../src/access/members/gallery';
import type { QualityRefusal } from '../../../src/events';

const SPACE = 'test.space';
/** Same person up to 1.0 (consistency), lookalike up to 0.9. */
const TABLE = [
  { fmr: 1e-3, distance: 1.0 },
  { fmr: 1e-4, distance: 0.9 },
];

const QUALITY = {
  interocularPx: 60,
  sharpness: 0.1,
  brightness: 120,
  contrast: 40,
  yaw: 0,
  pitch: 0,
  rollDeg: 0,
  score: 0.8,
};

const face = (at: readonly number[], refusal: QualityRefusal | null = null): EnrolmentFace => ({
  quality: QUALITY,
  refusal,
  embedding: Float32Array.from(at),
});
const picture = (name: string, ...faces: EnrolmentFace[]): EnrolmentPicture => ({ name, faces });

const galleryOf = (...members: [string, number[]][]): Gallery => {
  const gallery = new Gallery(SPACE, 3);
  for (const [member, at] of members) gallery.add({ member, space: SPACE, vector: Float32Array.from(at) });
  return gallery;
};

const judge = (pictures: readonly EnrolmentPicture[], gallery = galleryOf(), member = 'new') =>
  judgeEnrolment({ member, pictures, gallery, table: TABLE });

const reasons = (pictures: readonly PictureVerdict[]): string[] =>
  pictures.map((each) => (each.accepted ? 'accepted' : each.refusal.reason));

describe('a picture by itself', () => {
  it.each<[string, EnrolmentPicture, object]>([
    ['nobody', picture('a'), { reason: 'no-face' }],
    ['two people', picture('a', face([1, 0, 0]), face([1, 0, 0])), { reason: 'several-faces', faces: 2 }],
    [
      'a blurred face',
      picture('a', face([1, 0, 0], 'blurred')),
      { reason: 'low-quality', gate: 'blurred', quality: QUALITY },
    ],
    [
      'a face without a vector',
      picture('a', { ...face([1, 0, 0]), embedding: null }),
      { reason: 'low-quality', gate: 'not-encoded', quality: QUALITY },
    ],
    ['a broken file', { name: 'a', unreadable: 'truncated' }, { reason: 'unreadable', detail: 'truncated' }],
  ])('is refused with %s', (_, candidate, refusal) => {
    expect(judge([candidate]).pictures).toEqual([{ name: 'a', accepted: false, refusal }]);
  });

  it('is accepted with one good face, beside refused ones', () => {
    const verdict = judge([picture('a'), picture('b', face([1, 0, 0])), { name: 'c', unreadable: 'x' }]);
    expect(reasons(verdict.pictures)).toEqual(['no-face', 'accepted', 'unreadable']);
    expect(verdict.accepted).toEqual([
      { name: 'b', accepted: true, rotate: 0, vector: Float32Array.of(1, 0, 0), quality: QUALITY },
    ]);
  });
});

describe('which way up', () => {
  const turned = (rotate: number | null): EnrolmentPicture => ({ name: 'a', faces: [face([1, 0, 0])], rotate });
  it('is kept with the picture', () => {
    expect([0, 90, 270].map((rotate) => judge([turned(rotate)]).accepted[0]?.rotate)).toEqual([0, 90, 270]);
  });
  it('must be known', () => {
    expect(reasons(judge([turned(null)]).pictures)).toEqual(['which-way-up']);
  });
});

describe('pictures of different people', () => {
  const at = (name: string, x: number, y = 0): EnrolmentPicture => picture(name, face([x, y, 1]));
  const others = (pictures: readonly EnrolmentPicture[]) =>
    judge(pictures).pictures.map((each) =>
      !each.accepted && each.refusal.reason === 'different-person' ? each.refusal.other : null,
    );

  it('may be as far apart as the limit', () => {
    expect(reasons(judge([at('a', 0), at('b', 1)]).pictures)).toEqual(['accepted', 'accepted']);
    const one = ofOnePerson([{ vector: Float32Array.of(0) }, { vector: Float32Array.of(1) }], 1);
    expect(one).toHaveLength(2);
  });

  it('are compared with the one in the middle of those that agree', () => {
    const cluster = [at('edge', 0), at('a', 0.4), at('middle', 0.5), at('b', 0.9), at('other edge', 0.95)];
    expect(others([...cluster, at('stranger', 0.5, 9)])).toEqual([null, null, null, null, null, 'middle']);
  });

  it('are compared with the one that most agree with, not with the one nearest to all', () => {
    const centre = [at('a', -0.9), at('centre', 0), at('b', 0.9)];
    expect(others([...centre, at('c', 1.95), at('d', 2)])).toEqual([null, null, null, 'centre', 'centre']);
  });

  it('are compared with the first of two that agree alike', () => {
    expect(others([at('a', 0), at('b', 0), at('stranger', 9)])).toEqual([null, null, 'a']);
  });

  it('without a majority name the farthest, the first of two', () => {
    expect(others([at('a', 0), at('b', 4), at('c', -3), at('d', 1.5)])).toEqual(['b', 'c', 'b', 'c']);
    expect(others([at('a', 0), at('b', 2), at('c', -2)])).toEqual(['b', 'c', 'b']);
  });

  it('are told apart by the majority', () => {
    const verdict = judge([
      picture('a', face([1, 0, 0])),
      picture('stranger', face([0, 2, 0])),
      picture('b', face([1, 0.1, 0])),
    ]);
    expect(reasons(verdict.pictures)).toEqual(['accepted', 'different-person', 'accepted']);
    expect(verdict.pictures[1]).toMatchObject({ refusal: { limit: 1.0 } });
  });

  it('are all refused when there is no majority', () => {
    const verdict = judge([picture('a', face([1, 0, 0])), picture('b', face([0, 2, 0]))]);
    expect(verdict.accepted).toEqual([]);
    expect(verdict.pictures[0]).toMatchObject({
      refusal: { reason: 'different-person', other: 'b', distance: Math.sqrt(5), limit: 1.0 },
    });
    const pairs = [
      [1, 0, 0],
      [1, 0.1, 0],
      [0, 2, 0],
      [0, 2.1, 0],
    ].map((at, i) => picture(`${i}`, face(at)));
    expect(judge(pairs).accepted).toEqual([]);
  });

  it('never end up in one enrolment farther apart than twice the limit, and more than half survive or none', () => {
    const at = fc.array(fc.float({ min: -2, max: 2, noNaN: true }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(at, { minLength: 1, maxLength: 8 }), (places) => {
        fc.pre(places.every((place) => place.some((value) => value !== 0)));
        const { accepted } = judge(places.map((place, i) => picture(`${i}`, face(place))));
        expect(accepted.length === 0 || accepted.length * 2 > places.length).toBe(true);
        for (const { vector: a } of accepted)
          for (const { vector: b } of accepted)
            expect(Math.hypot(a[0]! - b[0]!, a[1]! - b[1]!, a[2]! - b[2]!)).toBeLessThanOrEqual(2.0001);
      }),
    );
  });
});

describe('another member who looks alike', () => {
  const gallery = galleryOf(['twin', [1, 0.5, 0]], ['cousin', [1, 0.8, 0]], ['far', [0, 0, 5]]);

  it('is named with the nearest picture', () => {
    const verdict = judge([picture('a', face([1, 0, 0])), picture('b', face([1, 0.25, 0]))], gallery);
    expect(verdict.lookalike).toEqual({ member: 'twin', distance: 0.25, picture: 'b', duplicate: true });
    expect(verdict.accepted).toHaveLength(2);
  });

  it('is a duplicate only when so near that chance hardly explains it, however many comparisons were made', () => {
    // 0.75 is between the limit of a lookalike (0.9) and that of a duplicate among 100 templates (1e-3 / 100: 0.8) or more.
    const among = (others: number) => {
      const large = galleryOf(['twin', [1, 0.75, 0]]);
      for (let i = 1; i < others; i += 1)
        large.add({ member: `m${i}`, space: SPACE, vector: Float32Array.of(9, 9, i) });
      return judge([picture('a', face([1, 0, 0]))], large).lookalike;
    };
    expect(among(100)).toMatchObject({ member: 'twin', distance: 0.75, duplicate: true });
    expect(among(1000)).toMatchObject({ member: 'twin', distance: 0.75, duplicate: false });
  });

  it('is not the member itself', () => {
    const verdict = judge([picture('a', face([1, 0, 0]))], gallery, 'twin');
    expect(verdict.lookalike).toMatchObject({ member: 'cousin' });
  });

  it('is not told for refused pictures, or beyond the limit', () => {
    expect(judge([picture('a', face([1, 0.5, 0], 'too-dark'))], gallery).lookalike).toBeNull();
    expect(judge([picture('a', face([1, -0.5, 0]))], gallery).lookalike).toBeNull();
  });
});

describe('vectors that were linked one by one', () => {
  const at = (...radians: number[]) =>
    radians.map((angle) => ({ angle, vector: Float32Array.of(Math.cos(angle), Math.sin(angle), 0) }));
  const kept = (...radians: number[]): number[] => ofOnePerson(at(...radians), 0.5).map(({ angle }) => angle);

  it('are of one person as far as they agree with the middle one', () => {
    expect(kept(0, 0.1, 0.2)).toEqual([0, 0.1, 0.2]);
    expect(kept(0, 0.3, 0.4, 0.5, 0.9, 1.3)).toEqual([0, 0.3, 0.4, 0.5, 0.9]);
    expect(kept(0.7)).toEqual([0.7]);
  });

  it('are of nobody where no more than half agree', () => {
    expect(kept(0, 0.1, 2, 2.1)).toEqual([]);
    expect(kept()).toEqual([]);
  });
});

describe('a lookalike at the limit', () => {
  const table = [
    { fmr: 1e-3, distance: 1.0 },
    { fmr: 1e-4, distance: 0.5 },
  ];
  const lookalike = (pictures: readonly EnrolmentPicture[], gallery: Gallery) =>
    judgeEnrolment({ member: 'new', pictures, gallery, table }).lookalike;
  const other = galleryOf(['other', [1.5, 0, 0]]);

  it('is one, and a duplicate where the two limits are one', () => {
    expect(lookalike([picture('a', face([1, 0, 0]))], other)).toEqual({
      ...{ member: 'other', distance: 0.5, picture: 'a', duplicate: true },
    });
    expect(lookalike([picture('a', face([0.9, 0, 0]))], other)).toBeNull();
  });

  it('is told of the picture that is nearest, the first of two', () => {
    const near = picture('near', face([1.25, 0, 0]));
    const far = picture('far', face([1, 0, 0]));
    const pictures = [
      [near, far],
      [far, near],
      [near, { ...near, name: 'twin' }],
    ];
    expect(pictures.map((each) => lookalike(each, other)?.picture)).toEqual(['near', 'near', 'near']);
  });
});
