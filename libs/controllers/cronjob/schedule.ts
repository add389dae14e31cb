/** Cron schedules: five fields, names, ranges, steps and macros (Kubernetes docs, CronJob, "Schedule syntax"). Times are UTC. */
import type { Instant } from '../../kit/index.js';
import { instant } from '../../kit/index.js';

export interface Schedule {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly days: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  readonly weekdays: ReadonlySet<number>;
  /** Whether day and weekday are both restricted: then either one suffices. */
  readonly eitherDay: boolean;
}

const MACROS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const MINUTE_MS = 60_000;
/** A schedule that does not come within four years (30 February) never does. */
const SEARCH_DAYS_MAX = 1_500;

/** `undefined` where the text is no schedule. */
export function parseSchedule(text: string): Schedule | undefined {
  const fields = (MACROS[text.trim()] ?? text).trim().split(/\s+/);
  const [minute, hour, day, month, weekday] = fields;
  if (
    fields.length !== 5 ||
    minute === undefined ||
    hour === undefined ||
    day === undefined ||
    month === undefined ||
    weekday === undefined
  ) {
    return undefined;
  }
  const minutes = parseField(minute, 0, 59);
  const hours = parseField(hour, 0, 23);
  const days = parseField(day, 1, 31);
  const months = parseField(month, 1, 12, MONTHS);
  const weekdays = parseField(weekday, 0, 7, WEEKDAYS);
  if (!minutes || !hours || !days || !months || !weekdays) return undefined;
  if (weekdays.has(7)) weekdays.add(0);
  const isOpen = (field: string): boolean => field.startsWith('*') || field.startsWith('?');
  return { minutes, hours, days, months, weekdays, eitherDay: !isOpen(day) && !isOpen(weekday) };
}

function parseField(text: string, low: number, high: number, names: readonly string[] = []): Set<number> | undefined {
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const [range = '', stepText] = part.split('/');
    const step = stepText === undefined ? 1 : Number(stepText);
    const bounds = parseRange(range, low, high, names);
    if (bounds === undefined || !Number.isInteger(step) || step < 1) return undefined;
    const end = stepText !== undefined && !range.includes('-') && bounds[0] === bounds[1] ? high : bounds[1];
    for (let value = bounds[0]; value <= end; value += step) values.add(value);
  }
  return values;
}

function parseRange(range: string, low: number, high: number, names: readonly string[]): readonly [number, number] | undefined {
  if (range === '*' || range === '?') return [low, high];
  const [from, to = from] = range.split('-').map((text) => {
    const named = names.indexOf(text.toLowerCase());
    return named >= 0 ? named + low : /^\d+$/.test(text) ? Number(text) : Number.NaN;
  });
  if (from === undefined || to === undefined || !(from >= low && to <= high && from <= to)) return undefined;
  return [from, to];
}

/** The first time of the schedule after `after`; `undefined` where there is none. */
export function nextTime(schedule: Schedule, after: Instant): Instant | undefined {
  let at = (Math.floor(after / MINUTE_MS) + 1) * MINUTE_MS;
  const end = at + SEARCH_DAYS_MAX * 24 * 60 * MINUTE_MS;
  while (at < end) {
    const parts = calendar(at);
    if (!isDay(schedule, parts)) at += (24 * 60 - parts.hour * 60 - parts.minute) * MINUTE_MS;
    else if (!schedule.hours.has(parts.hour)) at += (60 - parts.minute) * MINUTE_MS;
    else if (!schedule.minutes.has(parts.minute)) at += MINUTE_MS;
    else return instant(at);
  }
  return undefined;
}

interface Calendar {
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
}

function isDay({ months, days, weekdays, eitherDay }: Schedule, { month, day, weekday }: Calendar): boolean {
  if (!months.has(month)) return false;
  return eitherDay ? days.has(day) || weekdays.has(weekday) : days.has(day) && weekdays.has(weekday);
}

/** Month and day from the count of days since 1970-03-01, by the rule of 400-year cycles. */
function calendar(at: number): Calendar {
  const minutes = Math.floor(at / MINUTE_MS);
  const dayCount = Math.floor(minutes / 1_440);
  const shifted = dayCount + 719_468;
  const ofEra = shifted - Math.floor(shifted / 146_097) * 146_097;
  const year = Math.floor((ofEra - Math.floor(ofEra / 1_460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365);
  const ofYear = ofEra - (365 * year + Math.floor(year / 4) - Math.floor(year / 100));
  const shiftedMonth = Math.floor((5 * ofYear + 2) / 153);
  return {
    month: shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9,
    day: ofYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1,
    weekday: (dayCount + 4) % 7,
    hour: Math.floor((minutes % 1_440) / 60),
    minute: minutes % 60,
  };
}
