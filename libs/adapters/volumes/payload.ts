/** What a volume's files shall be: relative path to content and mode. Pure. */

export interface PayloadFile {
  readonly content: Uint8Array;
  /** Permission bits. */
  readonly mode: number;
}

/** By path relative to the volume, `a/b.txt`. Later sources of a projected volume win. */
export type Payload = ReadonlyMap<string, PayloadFile>;

/** `items` of a configMap, secret or projected source. */
export interface KeyItem {
  readonly key: string;
  readonly path: string;
  readonly mode?: number | undefined;
}

export interface KeyedSource {
  readonly data: ReadonlyMap<string, Uint8Array>;
  readonly items?: readonly KeyItem[] | undefined;
  readonly defaultMode: number;
  readonly isOptional: boolean;
  /** Told which key is missing. */
  readonly missingKey: (key: string) => Error;
}

/** All keys, or the chosen items under their own paths. Throws what `missingKey` makes, unless optional. */
export function keyedPayload(source: KeyedSource): Payload {
  const { data, items, defaultMode } = source;
  if (items === undefined || items.length === 0) {
    return new Map([...data].map(([key, content]) => [key, { content, mode: defaultMode }]));
  }
  const files = new Map<string, PayloadFile>();
  for (const item of items) {
    const content = data.get(item.key);
    if (content === undefined && !source.isOptional) throw source.missingKey(item.key);
    if (content !== undefined) files.set(item.path, { content, mode: item.mode ?? defaultMode });
  }
  return files;
}
