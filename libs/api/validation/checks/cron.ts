/** The form of cron schedules: five fields or a descriptor (Kubernetes docs, CronJob: schedule syntax). */

interface FieldForm {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

const fields: readonly FieldForm[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: months },
  { min: 0, max: 6, names: days },
];

const descriptors = new Set(['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly']);

/** What is wrong with a schedule, in the words of Kubernetes' parser; `undefined` when it is right. */
export function cronProblem(schedule: string): string | undefined {
  const text = schedule.replace(/^(?:CRON_)?TZ=\S+\s+/, '');
  if (text.startsWith('@')) {
    return descriptors.has(text) || /^@every ([0-9.]+(ns|us|µs|ms|s|m|h))+$/.test(text) ? undefined : `unrecognized descriptor: ${text}`;
  }
  const parts = text.split(/\s+/).filter((part) => part !== '');
  if (parts.length !== fields.length) return `expected exactly 5 fields, found ${parts.length}: [${parts.join(' ')}]`;
  for (const [index, part] of parts.entries()) {
    const form = fields[index];
    if (form === undefined) continue;
    for (const range of part.split(',')) {
      const problem = rangeProblem(range, form);
      if (problem !== undefined) return problem;
    }
  }
  return undefined;
}

function numberOf(text: string, form: FieldForm): number | undefined {
  const named = form.names?.indexOf(text.toLowerCase()) ?? -1;
  if (named >= 0) return named + form.min;
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

function rangeProblem(range: string, form: FieldForm): string | undefined {
  const [span = '', step, ...more] = range.split('/');
  if (more.length > 0) return `too many slashes: ${range}`;
  if (step !== undefined && !/^\d+$/.test(step)) return `failed to parse int from ${step}: strconv.Atoi: parsing "${step}": invalid syntax`;
  if (step === '0') return `step of range should be a positive number: ${range}`;
  if (span === '*' || span === '?') return undefined;
  const ends = span.split('-');
  if (ends.length > 2) return `too many hyphens: ${range}`;
  const [first, last = first] = ends.map((end) => numberOf(end, form));
  for (const [index, end] of ends.entries()) {
    const value = index === 0 ? first : last;
    if (value === undefined) return `failed to parse int from ${end}: strconv.Atoi: parsing "${end}": invalid syntax`;
  }
  const [start = 0, end = 0] = [first, last];
  if (start < form.min) return `beginning of range (${start}) below minimum (${form.min}): ${range}`;
  if (end > form.max) return `end of range (${end}) above maximum (${form.max}): ${range}`;
  return start > end ? `beginning of range (${start}) beyond end of range (${end}): ${range}` : undefined;
}
