/** Fixed bearer tokens: a file in the form of Kubernetes' `--token-auth-file`. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isMissing } from '../../libs/adapters/x509/index.js';
import type { StaticTokens, UserInfo } from '../../libs/apiserver/index.js';

/** Lines `token,user,uid,"group1,group2"`; no file, no tokens. Tokens are compared by their hash, so that time tells nothing about them. */
export async function loadStaticTokens(file: string): Promise<StaticTokens> {
  const users = new Map<string, UserInfo>();
  for (const line of (await readIfThere(file)).split('\n')) {
    const match = /^([^,\s#]+),([^,]+),([^,]*)(?:,"?([^"]*)"?)?\s*$/.exec(line);
    if (match === null) continue;
    const [, token = '', name = '', uid = '', groups = ''] = match;
    const groupNames = groups.split(',').filter((group) => group !== '');
    users.set(hash(token), { name, groups: groupNames, ...(uid === '' ? {} : { uid }) });
  }
  return { find: (token) => (users.size === 0 ? undefined : users.get(hash(token))) };
}

async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return '';
    throw error;
  }
}

function hash(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
