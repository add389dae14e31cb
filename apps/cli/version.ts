/** The version of this berth: that of its package. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const clientVersion = versionOf(readFileSync(join(fileURLToPath(import.meta.url), '../../../../package.json'), 'utf8'));

function versionOf(text: string): string {
  return (JSON.parse(text) as { readonly version: string }).version;
}
