/** One object in the cache: its text with the revision spliced in once, its parsed form made on first use. */
import type { KubeObject } from '../../api/index.js';
import type { CachedObject } from '../cache.js';
import type { Revision, StoreEntry } from '../store.js';

/** The usual beginning of a stored text, up to and including the brace of `metadata`. */
const USUAL_START = /^\{"(?:apiVersion|kind)":"[^"\\]*","(?:apiVersion|kind)":"[^"\\]*","metadata":\{/;

export class LazyObject implements CachedObject {
  readonly key: string;
  readonly revision: Revision;
  private raw: string | undefined;
  private spliced: string | undefined;
  private parsed: KubeObject | undefined;

  constructor(entry: StoreEntry) {
    this.key = entry.key;
    this.revision = entry.revision;
    this.raw = entry.value;
  }

  get json(): string {
    if (this.spliced === undefined) {
      this.spliced = spliceRevision(this.raw ?? '{}', this.revision);
      this.raw = undefined;
    }
    return this.spliced;
  }

  get object(): KubeObject {
    this.parsed ??= decodeObject(this.json);
    return this.parsed;
  }

  /** Owner uids named in the text, found without parsing the object. May hold more than the truth (a pod template's), never less. */
  ownerUids(): readonly string[] {
    const text = this.spliced ?? this.raw ?? '';
    const uids: string[] = [];
    for (let at = text.indexOf(OWNERS); at !== -1; at = text.indexOf(OWNERS, at + OWNERS.length)) {
      const owners =
        decodeOwners(text.slice(at + OWNERS.length - 1, text.indexOf(']', at) + 1)) ?? this.object.metadata.ownerReferences ?? [];
      for (const owner of owners) if (owner.uid !== undefined) uids.push(owner.uid);
    }
    return uids;
  }

  /** Forgets the parsed form, which is the larger part of the memory; it is made again if somebody asks. */
  cool(): void {
    this.parsed = undefined;
  }
}

const OWNERS = '"ownerReferences":[';

/** `text` with `metadata.resourceVersion` set to `revision`. The text must be a JSON object that has no resourceVersion. */
export function spliceRevision(text: string, revision: Revision): string {
  const at = USUAL_START.exec(text)?.[0].length ?? findMetadata(text);
  if (at === undefined) return `{"metadata":{"resourceVersion":"${revision}"}${isEmptyAt(text, 1) ? '' : ','}${text.slice(1)}`;
  const comma = isEmptyAt(text, at) ? '' : ',';
  return `${text.slice(0, at)}"resourceVersion":"${revision}"${comma}${text.slice(at)}`;
}

function isEmptyAt(text: string, at: number): boolean {
  return /^\s*\}/.test(text.slice(at, at + 16));
}

/** Position after the opening brace of the top-level `metadata`, by a scan that knows only strings and depth. */
function findMetadata(text: string): number | undefined {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === '{' || char === '[') depth += 1;
    else if (char === '}' || char === ']') depth -= 1;
    else if (char === '"') {
      const end = endOfString(text, at);
      if (depth === 1 && text.slice(at, end) === '"metadata"') {
        const brace = /^\s*:\s*\{/.exec(text.slice(end, end + 64));
        if (brace !== null) return end + brace[0].length;
      }
      at = end - 1;
    }
  }
  return undefined;
}

/** Position after the closing quote of the string that starts at `start`. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}

/** What the store holds was validated before it was written. */
function decodeObject(json: string): KubeObject {
  return JSON.parse(json) as KubeObject;
}

/** `undefined` when the slice was not a whole array (a name with a bracket in it). */
function decodeOwners(json: string): readonly { readonly uid?: string }[] | undefined {
  try {
    return JSON.parse(json) as readonly { readonly uid?: string }[];
  } catch {
    return undefined;
  }
}
