/** Colours of table cells on a terminal: what needs attention stands out, the rest stays quiet. */
import { paint, type Io } from '../io.js';

const good: ReadonlySet<string> = new Set([
  'Running',
  'Ready',
  'Active',
  'Bound',
  'Available',
  'Succeeded',
  'Completed',
  'Complete',
  'True',
  'ok',
]);
const waiting: ReadonlySet<string> = new Set([
  'Pending',
  'ContainerCreating',
  'PodInitializing',
  'Terminating',
  'Unknown',
  'Queued',
  'SchedulingGated',
]);
const bad = /Error|Fail|BackOff|OOMKilled|Evicted|NotReady|CrashLoop|Lost|Invalid|DeadlineExceeded|Cancelled/;

/** A `style` for tables: columns STATUS, PHASE, READY, TYPE (of events). */
export function statusStyle(io: Io): (text: string, column: string) => string {
  if (!io.color) return (text) => text;
  return (text, column) => {
    if (column === 'READY') return isPartial(text) ? paint(io, 'yellow', text) : text;
    if (column === 'TYPE' && text === 'Warning') return paint(io, 'yellow', text);
    return column === 'STATUS' || column === 'PHASE' ? paintStatus(io, text) : text;
  };
}

export function paintStatus(io: Io, text: string): string {
  const [word = ''] = text.split(',');
  if (bad.test(text)) return paint(io, 'red', text);
  if (waiting.has(word) || word.startsWith('Init:') || text.includes('SchedulingDisabled')) return paint(io, 'yellow', text);
  return good.has(word) ? paint(io, 'green', text) : text;
}

/** `1/3`. */
function isPartial(text: string): boolean {
  const match = /^(\d+)\/(\d+)$/.exec(text);
  return match !== null && match[1] !== match[2];
}
