/**
 * Finds keys that stand twice in one object of a JSON text. `JSON.parse` keeps the last one silently; Kubernetes reports
 * them. One pass over a text that is known to be valid JSON; no recursion, so depth is no danger.
 */

interface Frame {
  /** Keys seen so far; absent for arrays. */
  readonly keys: Set<string> | undefined;
  /** Place of the frame in its parent. */
  readonly path: string;
  /** The member that is being read. */
  member: string | number;
}

const QUOTE = 34;
const BACKSLASH = 92;

/** End of the string that starts at `start` (the index of its closing quote). */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end >= 0) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return end;
    end = text.indexOf('"', end + 1);
  }
  return text.length;
}

function join(path: string, member: string | number): string {
  if (typeof member === 'number') return `${path}[${member}]`;
  return path === '' ? member : `${path}.${member}`;
}

const colonNext = /\s*:/y;

function isKey(text: string, after: number): boolean {
  colonNext.lastIndex = after;
  return colonNext.test(text);
}

/** Paths of duplicate keys in order of appearance (`spec.containers[0].image`), each named once. At most `limit`. */
export function findDuplicateFields(text: string, limit = 100): readonly string[] {
  const found = new Set<string>();
  const stack: Frame[] = [];
  let frame: Frame | undefined;
  for (let at = 0; at < text.length && found.size < limit; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = endOfString(text, at);
      if (frame?.keys !== undefined && isKey(text, end + 1)) noteKey(frame, frame.keys, JSON.parse(text.slice(at, end + 1)), found);
      at = end;
    } else if (code === 123 || code === 91) {
      const path: string = frame === undefined ? '' : join(frame.path, frame.member);
      frame = { keys: code === 123 ? new Set() : undefined, path, member: code === 123 ? '' : 0 };
      stack.push(frame);
    } else if (code === 125 || code === 93) {
      stack.pop();
      frame = stack.at(-1);
    } else if (code === 44 && typeof frame?.member === 'number') frame.member++;
  }
  return [...found];
}

function noteKey(frame: Frame, keys: Set<string>, key: unknown, found: Set<string>): void {
  const name = String(key);
  if (keys.has(name)) found.add(join(frame.path, name));
  keys.add(name);
  frame.member = name;
}
