/** JSON patch (RFC 6902) with the outcomes and limits of Kubernetes. */
import { StatusError } from '../errors.js';
import { isRecord, jsonEqual, setOwn, type JsonRecord } from './json-value.js';

/** Operations that one patch may have, as in Kubernetes. */
export const JSON_PATCH_OPERATIONS_MAX = 10_000;
/** Characters that `copy` operations of one patch may add: a few copies of copies would otherwise fill the memory. */
export const JSON_PATCH_COPIED_MAX = 3 * 1024 * 1024;

type Container = Record<string, unknown> | unknown[];

interface Operation {
  readonly op: 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test';
  readonly path: string;
  readonly from: string;
  readonly value: unknown;
}

const operations: readonly string[] = ['add', 'remove', 'replace', 'move', 'copy', 'test'];
const pointerPattern = /^(?:\/(?:[^/~]|~[01])*)*$/;

/** An operation does not apply; the whole patch fails. Kubernetes tells clients one sentence for all of these: a cause would replace it in kubectl. */
class PatchError extends Error {}

function decodeOperation(source: unknown): Operation {
  const bad = (): StatusError => new StatusError('BadRequest', `error decoding patch: unexpected operation ${JSON.stringify(source)}`);
  if (!isRecord(source)) throw bad();
  const { op, path, from = '', value } = source;
  const needsFrom = op === 'move' || op === 'copy';
  const needsValue = op === 'add' || op === 'replace' || op === 'test';
  const isValid =
    typeof op === 'string' &&
    operations.includes(op) &&
    typeof path === 'string' &&
    pointerPattern.test(path) &&
    typeof from === 'string' &&
    pointerPattern.test(from) &&
    !(needsFrom && source['from'] === undefined) &&
    !(needsValue && value === undefined);
  if (!isValid) throw bad();
  return { op: op as Operation['op'], path, from, value };
}

function decodeOperations(patch: unknown): Operation[] {
  if (!Array.isArray(patch))
    throw new StatusError('BadRequest', 'error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch');
  if (patch.length > JSON_PATCH_OPERATIONS_MAX) {
    throw new StatusError(
      'RequestEntityTooLarge',
      `The allowed maximum operations in a JSON patch is ${JSON_PATCH_OPERATIONS_MAX}, got ${patch.length}`,
    );
  }
  return patch.map(decodeOperation);
}

/** The patched value; `current` is not changed. Throws StatusError (Invalid) when an operation does not apply, also for a failed `test`. */
export function applyJsonPatch(current: JsonRecord, patch: unknown): unknown {
  const document = new PatchedDocument(current);
  try {
    for (const operation of decodeOperations(patch)) document.apply(operation);
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    throw new StatusError('Invalid', 'the server rejected our request due to an error in our request');
  }
  return document.value;
}

function isContainer(value: unknown): value is Container {
  return typeof value === 'object' && value !== null;
}

function clone(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(clone);
  if (!isRecord(value)) return value;
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) setOwn(copy, key, clone(value[key]));
  return copy;
}

function steps(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function missing(operation: string, pointer: string): PatchError {
  return new PatchError(`${operation} operation does not apply: doc is missing path: "${pointer}": missing value`);
}

/** A private copy of the document, changed in place. */
class PatchedDocument {
  value: unknown;
  private copied = 0;

  constructor(current: JsonRecord) {
    this.value = clone(current);
  }

  apply({ op, path, from, value }: Operation): void {
    switch (op) {
      case 'add':
        return this.add(op, path, clone(value));
      case 'remove':
        return void this.remove(op, path);
      case 'replace':
        this.remove(op, path);
        return this.add(op, path, clone(value));
      case 'move':
        if (`${path}/`.startsWith(`${from}/`) && path !== from)
          throw new PatchError('move operation does not apply: a value cannot move into itself');
        return this.add(op, path, this.remove(op, from));
      case 'copy':
        return this.add(op, path, this.copy(from));
      case 'test':
        if (!jsonEqual(this.read(op, path), value)) throw new PatchError(`testing value ${path} failed: test failed`);
    }
  }

  private copy(from: string): unknown {
    const value = this.read('copy', from);
    this.copied += JSON.stringify(value).length;
    if (this.copied > JSON_PATCH_COPIED_MAX) throw new PatchError(`copy operations add more than ${JSON_PATCH_COPIED_MAX} characters`);
    return clone(value);
  }

  private read(operation: string, pointer: string): unknown {
    let at = this.value;
    for (const step of steps(pointer)) {
      const has = isContainer(at) && Object.hasOwn(at, step) && !(Array.isArray(at) && !isIndex(step));
      if (!has) throw missing(operation, pointer);
      at = (at as Readonly<Record<string, unknown>>)[step]; // an array's members are read by the same notation
    }
    return at;
  }

  /** The container that holds the last step of a pointer. */
  private parent(operation: string, pointer: string): { readonly container: Container; readonly step: string } {
    const cut = pointer.lastIndexOf('/');
    const container = this.read(operation, pointer.slice(0, cut));
    if (!isContainer(container)) throw missing(operation, pointer);
    return { container, step: steps(pointer.slice(cut))[0] ?? '' };
  }

  private add(operation: string, pointer: string, value: unknown): void {
    if (pointer === '') {
      this.value = value;
      return;
    }
    const { container, step } = this.parent(operation, pointer);
    if (!Array.isArray(container)) return setOwn(container, step, value);
    const index = step === '-' ? container.length : isIndex(step) ? Number(step) : Number.NaN;
    if (!(index <= container.length)) throw new PatchError(`${operation} operation does not apply: doc has no index "${pointer}"`);
    container.splice(index, 0, value);
  }

  private remove(operation: string, pointer: string): unknown {
    const value = this.read(operation, pointer);
    if (pointer === '') {
      this.value = null;
      return value;
    }
    const { container, step } = this.parent(operation, pointer);
    if (Array.isArray(container)) container.splice(Number(step), 1);
    else delete container[step];
    return value;
  }
}

function isIndex(step: string): boolean {
  return /^(?:0|[1-9]\d*)$/.test(step);
}
