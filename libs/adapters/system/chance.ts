/** Real randomness and identity, from the operating system's generator. */
import { randomInt, randomUUID } from 'node:crypto';
import type { IdSource, Random } from '../../kit/index.js';

const SUFFIX_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

export class SystemRandom implements Random {
  next(): number {
    return Math.random();
  }
}

export class SystemIds implements IdSource {
  uid(): string {
    return randomUUID();
  }

  suffix(length: number): string {
    let text = '';
    while (text.length < length) text += SUFFIX_ALPHABET.charAt(randomInt(SUFFIX_ALPHABET.length));
    return text;
  }
}
