/** All scores; their weighted sum decides. */
import type { ScorePlugin } from '../plugin.js';
import { imageLocality } from './image-locality.js';
import { preferredNodeAffinity, taintPreference } from './preferences.js';
import { balancedAllocation, leastAllocated } from './resources.js';
import { defaultSpread, preferredPodAffinity, softSpread } from './spread.js';

export const scores: readonly ScorePlugin[] = [
  leastAllocated,
  balancedAllocation,
  imageLocality,
  preferredNodeAffinity,
  taintPreference,
  defaultSpread,
  softSpread,
  preferredPodAffinity,
];
