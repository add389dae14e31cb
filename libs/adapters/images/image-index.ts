/** Which references name which image, on disk: one small file a reference, replaced atomically; shared by processes. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageConfig } from '../../agent/index.js';

export interface ImageRecord {
  /** Canonical reference. */
  readonly reference: string;
  /** `<name>@<manifest digest>` */
  readonly repoDigest: string;
  /** Digest of the configuration: the image's id. */
  readonly id: string;
  readonly sizeBytes: number;
  /** Bottom first, as in the image's configuration. */
  readonly diffIds: readonly string[];
  readonly config: ImageConfig;
}

export class ImageIndex {
  private readonly folder: string;

  constructor(root: string) {
    this.folder = join(root, 'images');
  }

  async get(reference: string): Promise<ImageRecord | undefined> {
    return decodeRecord(await readFile(this.file(reference), 'utf8').catch(() => undefined));
  }

  async put(record: ImageRecord): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    const temporary = `${this.file(record.reference)}.${randomUUID()}`;
    await writeFile(temporary, JSON.stringify(record));
    await rename(temporary, this.file(record.reference));
  }

  async remove(reference: string): Promise<void> {
    await rm(this.file(reference), { force: true });
  }

  async list(): Promise<readonly ImageRecord[]> {
    const names = (await readdir(this.folder).catch(() => [])).filter((name) => name.endsWith('.json'));
    const texts = await Promise.all(names.map((name) => readFile(join(this.folder, name), 'utf8').catch(() => undefined)));
    return texts.map(decodeRecord).filter((record) => record !== undefined);
  }

  private file(reference: string): string {
    return join(this.folder, `${createHash('sha256').update(reference).digest('hex').slice(0, 32)}.json`);
  }
}

/** A damaged file counts as absent: the image is pulled again. */
function decodeRecord(text: string | undefined): ImageRecord | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as ImageRecord);
  } catch {
    return undefined;
  }
}
