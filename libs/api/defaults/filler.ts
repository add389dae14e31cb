/** The one tool that every default is written with: fill what is unset, go down, share what did not change. */

/** Returns `value` itself when it is complete already, else a copy with the gaps filled. Never mutates. */
export type Filler<T> = (value: T) => T;

/** Fixed values, or functions of the object for values that depend on its other fields; `undefined` leaves the field unset. */
export type Defaults<T> = { readonly [K in keyof T]?: T[K] | ((owner: T) => T[K] | undefined) };

/** Fillers for fields that are structures themselves; they run after the object's own defaults, on fields that are set. */
export type Nested<T> = { readonly [K in keyof T]?: Filler<NonNullable<T[K]>> };

/** Kubernetes cannot tell `""` from unset in a plain string field, so neither do we. */
export function isUnset(value: unknown): value is undefined | null | '' {
  return value === undefined || value === null || value === '';
}

/** Sets one field; the same object comes back when the field has that very value already. */
export function withField<T extends object, K extends keyof T>(owner: T, field: K, value: T[K]): T {
  return owner[field] === value ? owner : { ...owner, [field]: value };
}

/** Builds the filler of one structure from its own defaults and the fillers of its fields, both in the order written. */
export function filler<T extends object>(defaults: Defaults<T>, nested: Nested<T> = {}): Filler<T> {
  const own = Object.keys(defaults) as (keyof T)[]; // the keys of a mapped type over T are keys of T
  const inner = Object.keys(nested) as (keyof T)[];
  return (value) => {
    let filled = value;
    for (const field of own) {
      if (!isUnset(filled[field])) continue;
      const given = defaults[field];
      const fresh = typeof given === 'function' ? (given as (owner: T) => T[keyof T] | undefined)(filled) : given; // T has no function fields: it is JSON
      if (fresh !== undefined) filled = { ...filled, [field]: fresh };
    }
    for (const field of inner) {
      const present: T[keyof T] = filled[field];
      const fill = nested[field] as Filler<T[keyof T]> | undefined; // one filler per field: the pair belongs together
      if (isUnset(present) || fill === undefined) continue;
      filled = withField(filled, field, fill(present));
    }
    return filled;
  };
}

/** Fills each element of a list. */
export function each<T>(fill: Filler<T>): Filler<readonly T[]> {
  return (list) => {
    let copy: T[] | undefined;
    for (const [index, item] of list.entries()) {
      const filled = fill(item);
      if (filled === item) continue;
      copy ??= list.slice();
      copy[index] = filled;
    }
    return copy ?? list;
  };
}

/** Runs fillers one after the other. */
export function inOrder<T>(...fillers: readonly Filler<T>[]): Filler<T> {
  return (value) => fillers.reduce((filled, fill) => fill(filled), value);
}

/** `{}` where unset, and then filled: for structures that Kubernetes writes even when they are empty. */
export function emptyObject(): Record<string, never> {
  return {};
}
