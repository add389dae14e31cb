/** Ages as kubectl writes them, by this machine's clock. */
import { ageOf, humanDuration } from '../client/api-words.js';
import { instant } from '../../../libs/kit/index.js';

/** `5m12s`; `<unknown>` where there is no time. */
export function age(time: string | undefined): string {
  return ageOf(time, instant(Date.now()));
}

/** `3d4h` for milliseconds. */
export function durationText(ms: number): string {
  return humanDuration(ms);
}

/** `Sun, 22 Nov 2026 09:08:10 +0000`: RFC 1123, as `kubectl describe` prints times. */
export function longTime(time: string | undefined): string {
  if (time === undefined) return '<unset>';
  return new Date(time).toUTCString().replace('GMT', '+0000');
}
