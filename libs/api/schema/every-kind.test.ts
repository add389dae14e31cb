import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { allKinds, apiVersionOf, type KindInfo } from '../kinds.js';
import type { KubeObject } from '../object.js';
import { applyPatch } from '../patch/apply-patch.js';
import { trackUpdate } from '../patch/managed-fields.js';
import { applyServerSide } from '../patch/server-side-apply.js';
import { decodeValue } from './decode.js';
import { typeOf, type Field, type Shape } from './shapes.js';

const now = '2026-11-22T08:00:00Z';
const NESTING = 6;
const word = fc.constantFrom('a', 'b', 'c');

/** Bodies as a client may send them: any fields, any values of the right type, list keys unique. */
function anyValue(shape: Shape, depth: number): fc.Arbitrary<unknown> {
  switch (shape.kind) {
    case 'object':
      return anyFields(shape.type, depth);
    case 'list':
      return fc.array(anyValue(shape.items, depth), { maxLength: 2 });
    case 'map':
      return fc.dictionary(word, anyValue(shape.values, depth), { maxKeys: 2 });
    case 'boolean':
      return fc.boolean();
    case 'int32':
    case 'int64':
      return fc.integer({ min: 0, max: 1000 });
    case 'double':
      return fc.integer({ min: 0, max: 9 });
    case 'quantity':
    case 'resource-amount':
      return fc.constantFrom('1', '500m', '1Gi');
    case 'int-or-string':
      return fc.oneof(fc.integer({ min: 1, max: 99 }), fc.constant('25%'));
    case 'bytes':
      return fc.constantFrom('YQ==', '');
    case 'time':
      return fc.constant(now);
    case 'micro-time':
      return fc.constant('2026-11-22T08:00:00.123456Z');
    case 'any':
      return fc.constantFrom({ x: 1 }, 'text');
    case 'string':
      return word;
  }
}

function anyField(field: Field, depth: number): fc.Arbitrary<unknown> {
  const value = anyValue(field.shape, depth);
  const { shape } = field;
  const keys = field.keys.length > 0 || !field.patchKey ? field.keys : [field.patchKey];
  if (shape.kind !== 'list' || (field.ownership === 'atomic' && keys.length === 0)) return value;
  const items = keys.length > 0 && shape.items.kind === 'object' ? anyFields(shape.items.type, depth, keys) : anyValue(shape.items, depth);
  const keyOf = (item: unknown): string =>
    JSON.stringify(keys.length === 0 ? item : keys.slice(0, 1).map((key) => (item as Readonly<Record<string, unknown>>)[key]));
  return fc.uniqueArray(items, { maxLength: 2, selector: keyOf });
}

/** Metadata that nobody may own. */
const untouched: readonly string[] = [
  'managedFields',
  'resourceVersion',
  'uid',
  'generation',
  'creationTimestamp',
  'selfLink',
  'name',
  'namespace',
];

function anyFields(typeName: string, depth: number, requiredKeys: readonly string[] = []): fc.Arbitrary<Record<string, unknown>> {
  const fields = [...typeOf(typeName).fields.values()].filter((field) => typeName !== 'ObjectMeta' || !untouched.includes(field.name));
  const shallow = fields.filter((field) => depth > 0 || requiredKeys.includes(field.name));
  return fc.shuffledSubarray(shallow, { maxLength: Math.min(shallow.length, 4) }).chain((drawn) => {
    const chosen = [...new Set([...drawn, ...fields.filter((field) => requiredKeys.includes(field.name))])];
    return fc.record(Object.fromEntries(chosen.map((field) => [field.name, anyField(field, depth - 1)])));
  });
}

function anyBody(kind: KindInfo): fc.Arbitrary<KubeObject> {
  return anyFields(kind.schema ?? '', NESTING).map((fields) => {
    const metadata = { ...(fields['metadata'] as object | undefined), name: 'n' };
    return { ...fields, apiVersion: apiVersionOf(kind), kind: kind.kind, metadata };
  });
}

const kinds = allKinds().filter((kind) => kind.stored);
const anyPair = fc.constantFrom(...kinds).chain((kind) => fc.tuple(fc.constant(kind), anyBody(kind), anyBody(kind)));
const runs = { numRuns: 120 };

function withoutOwners(object: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function withoutStatus(kind: KindInfo, object: KubeObject): KubeObject {
  const { status, ...rest } = object;
  return kind.subresources.includes('status') || status === undefined
    ? { ...rest, apiVersion: object.apiVersion, kind: object.kind, metadata: object.metadata }
    : object;
}

describe('for bodies of every kind', () => {
  test('decoding accepts them under Strict and decoding again changes nothing', () => {
    fc.assert(
      fc.property(anyPair, ([kind, body]) => {
        const once = decodeValue(kind, body, { fieldValidation: 'Strict' }).object;
        expect(decodeValue(kind, once, { fieldValidation: 'Strict' }).object).toEqual(once);
      }),
      runs,
    );
  });

  test('applying twice is applying once', () => {
    fc.assert(
      fc.property(anyPair, ([kind, body]) => {
        const created = applyServerSide(kind, undefined, body, { manager: 'm', now });
        expect(applyServerSide(kind, created, body, { manager: 'm', now: '2030-01-01T00:00:00Z' })).toEqual(created);
      }),
      runs,
    );
  });

  test('what a single applier states in the end is what there is', () => {
    fc.assert(
      fc.property(anyPair, ([kind, first, second]) => {
        const created = applyServerSide(kind, undefined, first, { manager: 'm', now });
        const changed = applyServerSide(kind, created, second, { manager: 'm', now });
        const wanted = withoutStatus(kind, decodeValue(kind, second).object);
        expect(decodeValue(kind, withoutOwners(changed)).object).toEqual(wanted);
      }),
      runs,
    );
  });

  test('an update makes its writer own what it changed, so that another apply of it conflicts or agrees', () => {
    fc.assert(
      fc.property(anyPair, ([kind, first, second]) => {
        const before = decodeValue(kind, first).object;
        const created = trackUpdate(kind, undefined, before, { manager: 'a', now });
        const updated = trackUpdate(kind, created, { ...decodeValue(kind, second).object }, { manager: 'b', now });
        const agreed = applyServerSide(kind, updated, withoutStatus(kind, withoutOwners(updated)), { manager: 'c', now });
        expect(withoutOwners(agreed)).toEqual(withoutOwners(updated));
      }),
      runs,
    );
  });

  test('a strategic or merge patch applied twice is a patch applied once', () => {
    fc.assert(
      fc.property(anyPair, fc.constantFrom('strategic' as const, 'merge' as const), ([kind, first, second], type) => {
        const patch = { text: JSON.stringify(second) };
        const once = applyPatch(kind, type, decodeValue(kind, first).object, patch).object;
        expect(applyPatch(kind, type, once, patch).object).toEqual(once);
      }),
      runs,
    );
  });
});
