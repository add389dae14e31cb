/** Ages and durations as kubectl shows them: two units at most, the coarser the longer ago. */
import { parseTime, type Instant } from '../../kit/index.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAYS_A_YEAR = 365;

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`;
}

/** `119s`, `5m30s`, `45m`, `3h20m`, `30h`, `3d4h`, `100d`, `2y30d`. Two seconds into the future count as now. */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / SECOND);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.trunc(ms / MINUTE);
  if (minutes < 10) return pair(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  return ofHours(Math.trunc(ms / HOUR), minutes % 60);
}

function ofHours(hours: number, minutes: number): string {
  const days = Math.trunc(hours / 24);
  if (hours < 8) return pair(hours, 'h', minutes, 'm');
  if (hours < 48) return `${hours}h`;
  if (hours < 24 * 8) return pair(days, 'd', hours % 24, 'h');
  if (days < DAYS_A_YEAR * 2) return `${days}d`;
  const years = Math.trunc(days / DAYS_A_YEAR);
  return days < DAYS_A_YEAR * 8 ? pair(years, 'y', days % DAYS_A_YEAR, 'd') : `${years}y`;
}

/** How long ago a time of the API was; `<unknown>` where it is not set. */
export function ageOf(time: string | undefined, now: Instant): string {
  const at = parseTime(time);
  return at === undefined ? '<unknown>' : humanDuration(now - at);
}
