/** Resolves user and group names by the image's own /etc/passwd and /etc/group. Pure. */
import type { OciUser } from './oci.js';

export interface WantedUser {
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** As in a Dockerfile's USER: `name`, `uid`, `name:group`, `uid:gid`. */
  readonly name?: string | undefined;
  readonly supplementalGroups: readonly number[];
}

export interface Accounts {
  readonly passwd: string;
  readonly group: string;
}

export class UnknownUserError extends Error {
  override readonly name = 'UnknownUserError';
}

/** Throws UnknownUserError where a name is in neither file. `mergeGroups` adds the image's memberships (supplementalGroupsPolicy Merge). */
export function resolveUser(wanted: WantedUser, accounts: Accounts, mergeGroups: boolean): OciUser & { readonly home: string } {
  const [userWord = '', groupWord = ''] = wanted.uid === undefined ? (wanted.name ?? '').split(':') : [];
  const entries = parseEntries(accounts.passwd);
  const groups = parseEntries(accounts.group);
  const entry = findUser(entries, wanted.uid === undefined ? userWord : String(wanted.uid));
  const gid = wanted.gid ?? (groupWord === '' ? entry.gid : findGroup(groups, groupWord));
  const memberships = mergeGroups && entry.name !== undefined ? groupsOf(groups, entry.name) : [];
  // The primary group is among them: a program that drops its group must not escape what a file denies to that group.
  const additionalGids = [...new Set([gid, ...memberships, ...wanted.supplementalGroups])];
  return { uid: entry.uid, gid, additionalGids, home: entry.home };
}

interface UserEntry {
  readonly name?: string | undefined;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

function findUser(entries: readonly (readonly string[])[], word: string): UserEntry {
  const isNumber = /^\d+$/.test(word);
  const key = word === '' ? '0' : word;
  const fields = entries.find((candidate) => candidate[0] === key) ?? entries.find((candidate) => candidate[2] === key);
  if (fields !== undefined) return { name: fields[0], uid: Number(fields[2]), gid: Number(fields[3] ?? 0), home: fields[5] || '/' };
  if (word === '') return { uid: 0, gid: 0, home: '/root' };
  if (isNumber) return { uid: Number(word), gid: 0, home: '/' };
  throw new UnknownUserError(`unable to find user ${word}: no matching entries in passwd file`);
}

function findGroup(entries: readonly (readonly string[])[], word: string): number {
  const fields = entries.find((candidate) => candidate[0] === word);
  if (fields !== undefined) return Number(fields[2]);
  if (/^\d+$/.test(word)) return Number(word);
  throw new UnknownUserError(`unable to find group ${word}: no matching entries in group file`);
}

function groupsOf(entries: readonly (readonly string[])[], user: string): readonly number[] {
  return entries.filter((fields) => fields[3]?.split(',').includes(user)).map((fields) => Number(fields[2]));
}

/** Malformed lines are skipped, as libc does. */
function parseEntries(text: string): readonly (readonly string[])[] {
  return text
    .split('\n')
    .map((line) => line.trim().split(':'))
    .filter((fields) => fields.length >= 3 && /^\d+$/.test(fields[2] ?? ''));
}
