/** Samples per second of everything that trains, measures or serves a trigger word. Speech is understood through a telephone's 8 kHz; 16 kHz keep the consonants. */
export const RATE_HZ = 16_000;
