/**
 * Finds keys that stand twice in one object of a JSON text, and puts problems with fields in the order of the text. `JSON.parse` keeps the last one silently; Kubernetes reports
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

/** Calls `onField` for every key of every object, in the order of the text. The path is only spelled when it is asked for. */
function scanFields(text: string, onField: (path: () => string, isDuplicate: boolean) => void): void {
  const stack: Frame[] = [];
  let frame: Frame | undefined;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = endOfString(text, at);
      if (frame?.keys !== undefined && isKey(text, end + 1)) noteKey(frame, frame.keys, text.slice(at, end + 1), onField);
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
}

function noteKey(frame: Frame, keys: Set<string>, quoted: string, onField: (path: () => string, isDuplicate: boolean) => void): void {
  const name = quoted.includes('\\') ? String(JSON.parse(quoted)) : quoted.slice(1, -1);
  frame.member = name;
  onField(() => join(frame.path, name), keys.has(name));
  keys.add(name);
}

/** Paths of duplicate keys in order of appearance (`spec.containers[0].image`), each named once. At most `limit`. */
export function findDuplicateFields(text: string, limit: number): readonly string[] {
  const found = new Set<string>();
  scanFields(text, (path, isDuplicate) => {
    if (isDuplicate && found.size < limit) found.add(path());
  });
  return [...found];
}

/**
 * `unknown field "..."` and `duplicate field "..."`, each once, in the order of the text. Duplicates of and inside unknown
 * fields are no news. `unknown` are paths of fields that the type does not have.
 */
export function describeFieldProblems(text: string, unknown: readonly string[], limit: number): readonly string[] {
  const unknownPaths = new Set(unknown);
  const isInUnknown = (path: string): boolean => unknown.some((outer) => path.startsWith(`${outer}.`) || path.startsWith(`${outer}[`));
  const problems = new Set<string>();
  scanFields(text, (pathOf, isDuplicate) => {
    const path = problems.size < limit && (isDuplicate || unknownPaths.size > 0) ? pathOf() : '';
    if (path === '') return;
    if (unknownPaths.has(path)) problems.add(`unknown field "${path}"`);
    else if (isDuplicate && !isInUnknown(path)) problems.add(`duplicate field "${path}"`);
  });
  return [...problems];
}
