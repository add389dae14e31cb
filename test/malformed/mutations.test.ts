import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { parse, parseAllDocuments } from 'yaml';
import {
  applyDefaults,
  decodeValue,
  fieldErrorText,
  findByKind,
  printTable,
  StatusError,
  validateCreate,
  validateUpdate,
} from '../../libs/api/index.js';
import { instant } from '../../libs/kit/index.js';
import type { MalformedCase, Manifest } from './judge.js';

const read = (name: string): string => readFileSync(new URL(`../../../test/malformed/${name}`, import.meta.url), 'utf8');

const cases = parse(read('cases.yaml')) as readonly MalformedCase[];
const wellFormed = parseAllDocuments(read('wellformed.yaml')).map((document) => document.toJS() as Manifest);
const manifests = [...wellFormed, ...cases.map(({ manifest, stored }) => stored ?? manifest)].filter(
  ({ apiVersion, kind }) => findByKind(apiVersion, kind) !== undefined,
);

/** Walks down by the given turns and there removes or replaces what it finds. */
function mutated(value: unknown, turns: readonly number[], replacement: unknown): unknown {
  if (typeof value !== 'object' || value === null || Object.keys(value).length === 0) return replacement;
  const [turn = 0, ...rest] = turns;
  const keys = Object.keys(value);
  const key = keys[turn % keys.length] ?? '';
  const inner = rest.length === 0 ? replacement : mutated((value as Record<string, unknown>)[key], rest, replacement);
  if (Array.isArray(value)) return value.map((item, index) => (String(index) === key ? inner : item));
  return Object.fromEntries(Object.entries({ ...value, [key]: inner }).filter(([, item]) => item !== undefined));
}

/** Decodes, defaults, judges and prints; what a client did wrong is a StatusError, all else would be a server error. */
function serve(manifest: Manifest, body: unknown): void {
  const kind = findByKind(manifest.apiVersion, manifest.kind);
  if (kind === undefined) throw new Error(`no kind ${manifest.kind}`);
  try {
    const { object } = decodeValue(kind, body);
    const filled = applyDefaults(kind, object);
    validateCreate(kind, filled);
    validateUpdate(kind, filled, object);
    printTable(kind, [filled], { now: instant(0) });
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
  }
}

describe('well-formed manifests', () => {
  test.each(wellFormed.map((manifest) => [`${manifest.kind} ${String(manifest.metadata.name)}`, manifest] as const))(
    '%s is accepted',
    (_, manifest) => {
      const kind = findByKind(manifest.apiVersion, manifest.kind);
      if (kind === undefined) throw new Error(`no kind ${manifest.kind}`);
      const { object } = decodeValue(kind, manifest, { fieldValidation: 'Strict' });
      const placed = kind.namespaced ? { ...object, metadata: { ...object.metadata, namespace: 'default' } } : object;
      const filled = applyDefaults(kind, placed);
      expect(validateCreate(kind, filled).map(fieldErrorText)).toEqual([]);
      expect(validateUpdate(kind, filled, filled).map(fieldErrorText)).toEqual([]);
      expect(applyDefaults(kind, filled)).toBe(filled);
    },
  );
});

describe('whatever a client changes in a manifest', () => {
  test('the answer is a Status, never a stumble of the server', () => {
    const turns = fc.array(fc.nat(12), { minLength: 1, maxLength: 9 });
    const replacement = fc.oneof(
      fc.constantFrom<unknown>(undefined, null, '', 0, -1, true, [], {}, [{}], { a: {} }, '100%', '1Gi'),
      fc.jsonValue({ maxDepth: 2 }),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...manifests),
        fc.array(fc.tuple(turns, replacement), { minLength: 1, maxLength: 4 }),
        (manifest, changes) => {
          const body = changes.reduce<unknown>((value, [path, fresh]) => mutated(value, path, fresh), manifest);
          expect(() => serve(manifest, body)).not.toThrow();
        },
      ),
      { numRuns: 3_000, seed: 36 },
    );
  });
});
