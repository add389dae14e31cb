/**
 * The arithmetic of composed revisions: `<store revision> * 1024 + <place in its commit group>`. Puts have the places
 * 0..127; a delete is always the last of its group and has place 1023 (a watch event of a delete carries no value that
 * could tell its place). A snapshot's revision has place 1023 too: everything of that group is in it.
 */
import type { Revision } from './store.js';

const PLACES = 1_024;
/** Place of a delete, and of a snapshot. */
export const LAST_PLACE = PLACES - 1;
/** Before everything. */
export const ZERO = 0 as Revision;

export function composeRevision(group: number, place: number): Revision {
  return (group * PLACES + place) as Revision;
}

/** The store's own revision: number of the commit group. */
export function groupOf(revision: Revision): number {
  return Math.floor(revision / PLACES);
}

export function placeOf(revision: Revision): number {
  return revision % PLACES;
}

/** The revision of a snapshot that holds all of `group`. */
export function snapshotOf(group: number): Revision {
  return composeRevision(group, LAST_PLACE);
}

/**
 * The newest group of which a reader at `revision` has seen everything. Whoever lists at, or watches after, `revision`
 * needs the history after this group; hence it is also the group up to which `compact(revision)` may forget.
 */
export function completeGroupOf(revision: Revision): number {
  return placeOf(revision) === LAST_PLACE ? groupOf(revision) : groupOf(revision) - 1;
}

/** Reads a `resourceVersion`; `undefined` where the text is not one. */
export function parseRevision(text: string): Revision | undefined {
  if (!/^(0|[1-9]\d{0,15})$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? (value as Revision) : undefined;
}
