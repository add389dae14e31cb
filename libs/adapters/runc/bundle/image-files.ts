/** Reads single files of an image through its stacked layers, without mounting them. */
import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const LINKS_MAX = 40;
/** /etc/passwd of an image is read whole; a larger one is not a passwd file. */
const FILE_BYTES_MAX = 4 * 1024 * 1024;

/** Where the image's `path` is on the host; `undefined` where no layer has it, or the topmost one deleted it. Symlinks stay inside the image. */
export function findInImage(layers: readonly string[], path: string): string | undefined {
  let rest = normalize(`/${path}`).split('/').filter(Boolean);
  let done: string[] = [];
  for (let links = 0; links <= LINKS_MAX;) {
    const name = rest.shift();
    if (name === undefined) return lookup(layers, done.join('/'))?.host;
    const found = lookup(layers, [...done, name].join('/'));
    if (found === undefined) return undefined;
    if (found.linkTo === undefined) {
      done.push(name);
      continue;
    }
    links++;
    const target = normalize(join('/', found.linkTo.startsWith('/') ? '' : done.join('/'), found.linkTo));
    rest = [...target.split('/').filter(Boolean), ...rest];
    done = [];
  }
  return undefined;
}

/** Text of a file of the image; empty where there is none. */
export function readFromImage(layers: readonly string[], path: string): string {
  const host = findInImage(layers, path);
  if (host === undefined) return '';
  const stat = lstatSync(host);
  return stat.isFile() && stat.size <= FILE_BYTES_MAX ? readFileSync(host, 'utf8') : '';
}

/** One component path without symlinks in its parents. A character device 0:0 (whiteout) or a parent that is no directory ends the search. */
function lookup(layers: readonly string[], relative: string): { readonly host: string; readonly linkTo?: string } | undefined {
  for (const layer of layers) {
    const host = join(layer, relative);
    const stat = lstatSync(host, { throwIfNoEntry: false });
    if (stat === undefined) {
      if (isHidden(layer, dirname(relative))) return undefined;
      continue;
    }
    if (stat.isCharacterDevice() && stat.rdev === 0) return undefined;
    return stat.isSymbolicLink() ? { host, linkTo: readlinkSync(host) } : { host };
  }
  return undefined;
}

/** A layer that replaces a parent directory by something else hides what lower layers have below it. */
function isHidden(layer: string, parent: string): boolean {
  for (let at = parent; at !== '.' && at !== '/'; at = dirname(at)) {
    const stat = lstatSync(join(layer, at), { throwIfNoEntry: false });
    if (stat !== undefined && !stat.isDirectory()) return true;
  }
  return false;
}
