/** Whether an image can run 32-bit programs: it has their loader, or its own program is one. */
import { closeSync, openSync, readSync } from 'node:fs';
import { findInImage } from './image-files.js';

/** Loaders of glibc and musl for i386 and 32-bit ARM. */
const LOADERS = ['/lib/ld-linux.so.2', '/lib/ld-musl-i386.so.1', '/lib/ld-linux-armhf.so.3', '/lib/ld-musl-armhf.so.1'];
const ELF_MAGIC = 0x7f45_4c46;
const ELF_CLASS_32 = 1;

/** `program` is looked at where it is a path; a statically linked 32-bit helper in a 64-bit image is not noticed. */
export function runs32Bit(layers: readonly string[], program: string): boolean {
  if (LOADERS.some((path) => findInImage(layers, path) !== undefined)) return true;
  const host = program.startsWith('/') ? findInImage(layers, program) : undefined;
  return host !== undefined && isElf32(host);
}

function isElf32(path: string): boolean {
  const header = Buffer.alloc(5);
  try {
    const fd = openSync(path, 'r');
    readSync(fd, header, 0, header.length, 0);
    closeSync(fd);
  } catch {
    return false;
  }
  return header.readUInt32BE(0) === ELF_MAGIC && header[4] === ELF_CLASS_32;
}
