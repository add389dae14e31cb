/** Names of what a cluster on one machine owns in the machine's own network namespace. */
import { createHash } from 'node:crypto';

export const NETNS_DIR = '/run/netns';

export function hostNetns(cluster: string, host: string): string {
  return `${cluster}-${host}`;
}

/** The machine's end of the cable to a host; at most 15 characters. */
export function hostLink(cluster: string, host: string): string {
  return `bth-${createHash('sha256').update(`${cluster}/${host}`).digest('hex').slice(0, 8)}`;
}

/** Every link that we make outside of a host carries an alias that starts with this. */
export function aliasPrefix(cluster: string): string {
  return `${cluster}/`;
}

export function outsideTable(cluster: string): string {
  return `${cluster}/local-hosts`;
}
