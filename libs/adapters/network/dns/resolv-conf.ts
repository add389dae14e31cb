/** Reads the host's own resolvers. */
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { UpstreamServer } from './upstream.js';

/** Name servers of a resolv.conf; none when the file is missing. `except` is our own address: asking it would go round in circles. */
export async function readResolvers(path: string, except: string): Promise<readonly UpstreamServer[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => {
    const [keyword, address = ''] = line.trim().split(/\s+/);
    return keyword === 'nameserver' && isIP(address) !== 0 && address !== except ? [{ address, port: 53 }] : [];
  });
}
