import { seededRandom, type Random } from '../../../random';
import { nearWords, soundsWithin, type Entry } from './lexicon';

/**
 * What sounds like a word, or is half of it: what fires a detector that has heard only other words. In spelling, since engines
 * speak it; given for the shipped words, found in the lexicon for every word.
 */
const GIVEN: Readonly<Record<string, string>> = {
  computer:
    'commuter;compute;computing;computed;compare;compete;competitor;community;compiler;contributor;can pursue her;compost;compound;pewter;tutor;suitor;company;complete;conclude her;compu;comp;puter;commuters;come to her;comforter;composer;compressor;commutes;confuse her;rebooter;shooter;scooter;come here;come over;conductor;consumer;compassion;commitment;compromise;complain',
  jarvis:
    'service;jar;jars;harvest;jarring;harvey;jarred;java;charts;carvers;jargon;garbage;jealous;justice;travis;harness;jar of this;marvellous;starve us;carve this;jar fits;java script;jaws;john is;jar is;charles;chervil;davis;mavis;jenkins;jarv;arvis;nervous;purpose;marvin;garnish;parvis;far less;charge us;jar best;judges;drive us;serve us',
  activate:
    'active;activity;activities;captivate;act of it;activ;acti;activist;actor;aggravate;cultivate;motivate;actually;elevate;captivated;actuate;advocate;acclimate;excavate;innovate;accurate;attic;act if late;reactive;attractive;affect of it;action;active way;excavator;renovate;agitate;animate;arbitrate',
};

/**
 * Said by a synthesiser these are the word, as "come pewter" and "active eight" would be: taught as something else, and mined before all
 * else, they would take the word away.
 */
const SAME_SOUND: readonly string[] = ['jervis', 'jarvi', 'jarvie'];

/** Near words for training; without the lexicon the given ones, and none for a word that has neither. */
export function confusable(word: string, lexicon: readonly Entry[] | null, count: number): string[] {
  const given = GIVEN[word]?.split(';') ?? [];
  const spoken = word.split(' ');
  const found =
    lexicon === null ? [] : spoken.flatMap((part) => nearWords(lexicon, part, Math.ceil(count / spoken.length)));
  // The parts of a phrase, each alone, are its near misses.
  const parts = spoken.length > 1 ? spoken : [];
  return [...new Set([...given, ...parts, ...found])].filter((text) => !SAME_SOUND.includes(text));
}

const COMMON =
  'the of and to in is you that it he was for on are as with his they I at be this have from or one had by words but not what all were we when your can said there use an each which she do how their if will up other about out many then them these so some her would make like him into time has look two more write go see number no way could people my than first water been call who oil its now find long down day did get come made may part over new sound take only little work know place year live me back give most very after thing our just name good sentence man think say great where help through much before line right too mean old any same tell boy follow came want show also around form three small set put end does another well large must big even such because turn here why ask went men read need land different home us move try kind hand picture again change off play spell air away animal house point page letter mother answer found study still learn should open the door please turn off the light play music stop what time is it tomorrow morning coffee kitchen living room window weather today set a timer minutes remind message call phone louder quieter next song again later thanks hello goodbye';

const FRAMES: readonly string[] = [
  'the * of the * is *',
  'could you * the * for me',
  'I think the * was * yesterday',
  'please * the * and the *',
  'we had * with * and a *',
  'what is the * in the *',
  'did you see * at the *',
  '* and * went to *',
  'she said that * is not *',
  'turn the * to *',
  'where did I put the *',
  'he works as a * in *',
  'they are talking about * again',
  'call * about the *',
  'it was a * *, but nobody knew *',
  'is there any * left in the *',
];

/**
 * Sentences for speech that is not the word: half of their words from everyday speech, half from the whole lexicon, so that every
 * sequence of sounds comes up. The same for every trigger word, so that they are synthesised once; `mentions` tells which to drop.
 */
export function sentences(lexicon: readonly Entry[] | null, count: number, seed: number): string[] {
  const random = seededRandom(seed);
  const common = [...new Set(COMMON.split(' '))];
  const rare = (lexicon ?? []).filter(({ word }) => word.length > 1);
  const pick = (): string => {
    if (rare.length > 0 && random.next() < 0.6) return (rare[random.below(rare.length)] as Entry).word;
    return common[random.below(common.length)] as string;
  };
  return Array.from({ length: count }, () =>
    random.next() < 0.5 ? framed(random, pick) : Array.from({ length: 3 + random.below(8) }, pick).join(' '),
  );
}

/** Tells whether who says a text says the word: as it is written, or in the sounds of one of its words. */
export function mentioning(word: string, lexicon: readonly Entry[] | null): (text: string) => boolean {
  const target = lexicon?.find((entry) => entry.word === word)?.phonemes;
  const same = target === undefined ? [] : (lexicon ?? []).filter(({ phonemes }) => soundsWithin(phonemes, target));
  const holding = new Set(same.map((entry) => entry.word));
  return (text) => {
    const plain = text.toLowerCase();
    return plain.includes(word) || plain.split(/[^a-z]+/).some((spoken) => holding.has(spoken));
  };
}

function framed(random: Random, pick: () => string): string {
  const frame = FRAMES[random.below(FRAMES.length)] as string;
  return frame.replaceAll('*', pick);
}
