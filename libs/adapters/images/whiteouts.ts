/**
 * Deletions in layers: OCI marks them with files named `.wh.<name>` (and `.wh..wh..opq` for "nothing below shines through");
 * overlayfs wants character devices 0/0 and an extended attribute. The marks are set by unpacking a small tar over the
 * layer, because Node can set neither.
 */
import { lstat, rm } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { pack, type Header } from 'tar-stream';
import { runProgram } from './run-program.js';

const PREFIX = '.wh.';
const OPAQUE = '.wh..wh..opq';

export async function convertWhiteouts(folder: string): Promise<void> {
  const marks = await runProgram('find', [folder, '-xdev', '-name', `${PREFIX}*`, '-printf', '%P\\0']);
  const names = marks
    .split('\0')
    .map((name) => name.replace(/^\n/, ''))
    .filter((name) => name !== '');
  if (names.length === 0) return;
  const tar = pack();
  for (const name of names) {
    await rm(join(folder, name), { recursive: true, force: true });
    const base = name.slice(name.lastIndexOf('/') + 1);
    if (base === OPAQUE) tar.entry(await opaqueFolder(folder, dirname(name)));
    else if (!base.startsWith('.wh..wh.')) {
      const target = join(dirname(name), base.slice(PREFIX.length));
      if (!(await exists(join(folder, target)))) tar.entry({ name: target, type: 'character-device', mode: 0, devmajor: 0, devminor: 0 });
    }
  }
  tar.finalize();
  await runProgram('tar', ['-x', '-p', '--numeric-owner', '--xattrs', '--xattrs-include=trusted.*', '-C', folder, '-f', '-'], {
    input: tar,
  });
}

/** The folder again as it is, plus the attribute. */
async function opaqueFolder(folder: string, name: string): Promise<Partial<Header> & { name: string }> {
  const found = await lstat(join(folder, name));
  return {
    name: `${relative(folder, join(folder, name)) || '.'}/`,
    type: 'directory',
    mode: found.mode & 0o7777,
    uid: found.uid,
    gid: found.gid,
    mtime: found.mtime,
    pax: { 'SCHILY.xattr.trusted.overlay.opaque': 'y' },
  };
}

/** A layer may delete a name of the layers below and hold a new file of that name: then the file alone says it all. */
async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}
