import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { StatusError } from '../errors.js';
import { findByKind, type KindInfo } from '../kinds.js';
import type { KubeObject } from '../object.js';
import { jsonEqual } from './json-value.js';
import { trackUpdate } from './managed-fields.js';
import { difference, equalSets, fromFieldsV1, intersection, toFieldsV1, union } from './path-set.js';
import { applyServerSide } from './server-side-apply.js';

function kind(apiVersion: string, name: string): KindInfo {
  const found = findByKind(apiVersion, name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}
const deployments = kind('apps/v1', 'Deployment');
const configMaps = kind('v1', 'ConfigMap');
const now = '2026-11-22T08:00:00Z';
const later = '2026-11-22T09:00:00Z';

function configMap(data: Readonly<Record<string, string>>): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'default' }, data };
}
function deployment(spec: Readonly<Record<string, unknown>>): KubeObject {
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'default' }, spec };
}
function apply(target: KindInfo, live: KubeObject | undefined, config: unknown, manager: string): KubeObject {
  return applyServerSide(target, live, config, { manager, now });
}
function takeOver(target: KindInfo, live: KubeObject | undefined, config: unknown, manager: string): KubeObject {
  return applyServerSide(target, live, config, { manager, now, force: true });
}
function ownedBy(object: KubeObject, manager: string): unknown {
  return object.metadata.managedFields?.find((entry) => entry.manager === manager)?.fieldsV1;
}
function failure(run: () => unknown): StatusError {
  try {
    run();
  } catch (error) {
    if (error instanceof StatusError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('server-side apply', () => {
  test('creates an object and records the stated fields with their list keys', () => {
    const created = apply(
      deployments,
      undefined,
      deployment({ replicas: 2, template: { spec: { containers: [{ name: 'web', image: 'a', ports: [{ containerPort: 80 }] }] } } }),
      'me',
    );
    expect(created.metadata.managedFields).toEqual([
      {
        apiVersion: 'apps/v1',
        fieldsType: 'FieldsV1',
        manager: 'me',
        operation: 'Apply',
        time: now,
        fieldsV1: {
          'f:spec': {
            'f:replicas': {},
            'f:template': {
              'f:spec': {
                'f:containers': {
                  'k:{"name":"web"}': {
                    '.': {},
                    'f:image': {},
                    'f:name': {},
                    'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } },
                  },
                },
              },
            },
          },
        },
      },
    ]);
  });

  test('removes what its manager no longer states, unless somebody else owns it', () => {
    const first = apply(configMaps, undefined, configMap({ a: '1', b: '2', shared: 'x' }), 'me');
    const second = apply(configMaps, first, configMap({ shared: 'x' }), 'you');
    const third = apply(configMaps, second, configMap({ a: '1' }), 'me');
    expect(third['data']).toEqual({ a: '1', shared: 'x' });
    expect(ownedBy(third, 'you')).toEqual({ 'f:data': { 'f:shared': {} } });
  });

  test('keeps identity and bookkeeping when the last owned field beside them goes', () => {
    const labelled = { ...configMap({}), metadata: { name: 'c', namespace: 'default', labels: { a: '1' } } };
    const first = apply(configMaps, undefined, labelled, 'me');
    const stored = { ...first, metadata: { ...first.metadata, uid: 'u', creationTimestamp: now, resourceVersion: '7' } };
    const second = apply(configMaps, stored, configMap({ k: 'v' }), 'me');
    const { managedFields: _, ...metadata } = second.metadata;
    expect(metadata).toEqual({ name: 'c', namespace: 'default', uid: 'u', creationTimestamp: now, resourceVersion: '7' });
  });

  test('removes list members that it stated before and keeps those of others', () => {
    const pod = (containers: unknown): KubeObject => deployment({ template: { spec: { containers } } });
    const first = apply(
      deployments,
      undefined,
      pod([
        { name: 'a', image: 'x' },
        { name: 'b', image: 'x' },
      ]),
      'me',
    );
    const injected = trackUpdate(
      deployments,
      first,
      {
        ...first,
        spec: {
          template: {
            spec: {
              containers: [
                { name: 'a', image: 'x' },
                { name: 'b', image: 'x' },
                { name: 'side', image: 'y' },
              ],
            },
          },
        },
      },
      { manager: 'injector', now },
    );
    const second = apply(deployments, injected, pod([{ name: 'a', image: 'z' }]), 'me');
    expect(second['spec']).toEqual({
      template: {
        spec: {
          containers: [
            { name: 'a', image: 'z' },
            { name: 'side', image: 'y' },
          ],
        },
      },
    });
  });

  test('fails with the owners and paths of fields of other values, and takes them over by force', () => {
    const live = trackUpdate(deployments, undefined, deployment({ replicas: 1, paused: false }), {
      manager: 'kubectl-client-side-apply',
      now,
    });
    const error = failure(() => apply(deployments, live, deployment({ replicas: 3 }), 'me'));
    expect(error.status).toMatchObject({
      reason: 'Conflict',
      code: 409,
      message: 'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using apps/v1: .spec.replicas',
      details: {
        causes: [
          { reason: 'FieldManagerConflict', message: 'conflict with "kubectl-client-side-apply" using apps/v1', field: '.spec.replicas' },
        ],
      },
    });
    expect(failure(() => apply(deployments, live, deployment({ replicas: 3, paused: true }), 'me')).message).toBe(
      'Apply failed with 2 conflicts: conflicts with "kubectl-client-side-apply" using apps/v1:\n- .spec.paused\n- .spec.replicas',
    );
    const forced = takeOver(deployments, live, deployment({ replicas: 3 }), 'me');
    expect(forced['spec']).toEqual({ replicas: 3, paused: false });
    expect(ownedBy(forced, 'kubectl-client-side-apply')).toEqual({ 'f:spec': { 'f:paused': {} } });
  });

  test('shares a field of the same value without a conflict', () => {
    const live = apply(configMaps, undefined, configMap({ a: '1' }), 'you');
    const both = apply(configMaps, live, configMap({ a: '1' }), 'me');
    expect(ownedBy(both, 'me')).toEqual(ownedBy(both, 'you'));
  });

  test('an apply that changes nothing gives an equal object, times included', () => {
    const live = apply(configMaps, undefined, configMap({ a: '1' }), 'me');
    expect(applyServerSide(configMaps, live, configMap({ a: '1' }), { manager: 'me', now: later })).toEqual(live);
  });

  test('owns everything unrecorded as before-first-apply', () => {
    expect(failure(() => apply(configMaps, configMap({ a: '1' }), configMap({ a: '2' }), 'me')).message).toContain(
      'conflict with "before-first-apply" using v1: .data.a',
    );
  });

  test('does not touch the status through the main resource', () => {
    const live = { ...deployment({ replicas: 1 }), status: { replicas: 1 } };
    const applied = apply(deployments, live, { ...deployment({ replicas: 1 }), status: { replicas: 9 } }, 'me');
    expect(applied['status']).toEqual({ replicas: 1 });
    const through = applyServerSide(
      deployments,
      live,
      { ...deployment({ replicas: 7 }), status: { replicas: 9 } },
      { manager: 'me', now, subresource: 'status', force: true },
    );
    expect(through).toMatchObject({ spec: { replicas: 1 }, status: { replicas: 9 } });
  });

  test('refuses undeclared fields, missing keys and managedFields', () => {
    expect(failure(() => apply(deployments, undefined, deployment({ replica: 1 }), 'me')).message).toBe(
      'failed to create typed patch object (default/web; apps/v1, Kind=Deployment): .spec.replica: field not declared in schema',
    );
    const twice = deployment({ template: { spec: { containers: [{ name: 'a' }, { name: 'a' }] } } });
    expect(failure(() => apply(deployments, undefined, twice, 'me')).message).toContain(
      '.spec.template.spec.containers: duplicate entries for key [name="a"]',
    );
    const nameless = deployment({ template: { spec: { containers: [{ image: 'a' }] } } });
    expect(failure(() => apply(deployments, undefined, nameless, 'me')).message).toContain('omits key field "name"');
    const managed = { ...configMap({}), metadata: { name: 'c', managedFields: [{ manager: 'x' }] } };
    expect(failure(() => apply(configMaps, undefined, managed, 'me')).message).toBe('metadata.managedFields must be nil');
  });
});

describe('plain updates', () => {
  test('own what they change, and take it from others', () => {
    const applied = apply(configMaps, undefined, configMap({ a: '1', b: '1' }), 'me');
    const updated = trackUpdate(configMaps, applied, { ...applied, data: { a: '2', b: '1' } }, { manager: 'editor', now: later });
    expect(ownedBy(updated, 'me')).toEqual({ 'f:data': { 'f:b': {} } });
    expect(updated.metadata.managedFields?.find((e) => e.manager === 'editor')).toMatchObject({
      operation: 'Update',
      time: later,
      fieldsV1: { 'f:data': { 'f:a': {} } },
    });
  });

  test('keep a record per subresource, and drop what is gone', () => {
    const created = trackUpdate(deployments, undefined, deployment({ replicas: 1 }), { manager: 'm', now });
    const status = trackUpdate(
      deployments,
      created,
      { ...created, status: { replicas: 1 } },
      { manager: 'm', now: later, subresource: 'status' },
    );
    expect(status.metadata.managedFields?.map((e) => [e.subresource, e.time])).toEqual([
      [undefined, now],
      ['status', later],
    ]);
    const emptied = trackUpdate(
      deployments,
      status,
      { ...deployment({}), status: { replicas: 1 }, metadata: status.metadata },
      { manager: 'x', now },
    );
    expect(emptied.metadata.managedFields?.map((e) => e.subresource)).toEqual(['status']);
  });

  test('that change nothing record nothing', () => {
    const live = trackUpdate(configMaps, undefined, configMap({ a: '1' }), { manager: 'm', now });
    expect(trackUpdate(configMaps, live, { ...live }, { manager: 'other', now: later })).toEqual(live);
  });

  test('keep a bounded number of records', () => {
    let object = configMap({});
    for (let i = 0; i < 20; i++)
      object = trackUpdate(
        configMaps,
        object,
        { ...object, data: { ...(object['data'] as object), [`k${i}`]: '1' } },
        { manager: `m${i}`, now: `2026-11-22T08:00:${10 + i}Z` },
      );
    expect(object.metadata.managedFields).toHaveLength(10);
    expect(object.metadata.managedFields?.[0]?.manager).toBe('ancient-changes');
  });

  test('accept live objects whose list members share a key', () => {
    const doubled = deployment({
      template: {
        spec: {
          containers: [
            {
              name: 'a',
              env: [
                { name: 'X', value: '1' },
                { name: 'X', value: '2' },
              ],
            },
          ],
        },
      },
    });
    const tracked = trackUpdate(deployments, undefined, doubled, { manager: 'm', now });
    expect(tracked['spec']).toEqual(doubled['spec']);
  });
});

describe('properties of ownership', () => {
  const data = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('1', '2'));

  test('after a forced apply the object states all that was applied, and others keep what they own alone', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ who: fc.constantFrom('x', 'y', 'z'), data }), { maxLength: 6 }), (steps) => {
        let live: KubeObject | undefined;
        const stated = new Map<string, Readonly<Record<string, string>>>();
        for (const step of steps) {
          live = takeOver(configMaps, live, configMap(step.data), step.who);
          for (const [who, mine] of stated)
            stated.set(who, Object.fromEntries(Object.entries(mine).filter(([k, v]) => (step.data[k] ?? v) === v)));
          stated.set(step.who, step.data);
          expect(live['data'] ?? {}).toEqual(Object.assign({}, ...stated.values()));
        }
      }),
    );
  });

  test('FieldsV1 is read back as it was written, and set algebra holds', () => {
    const tree: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
      node: fc.oneof(
        { depthSize: 'small' },
        fc.constant({}),
        fc.dictionary(fc.constantFrom('f:a', 'f:b', 'f:c', '.'), tie('node'), { maxKeys: 3 }),
      ),
    })).node;
    fc.assert(
      fc.property(tree, tree, (a, b) => {
        const left = fromFieldsV1(a);
        const right = fromFieldsV1(b);
        expect(equalSets(fromFieldsV1(toFieldsV1(left)), left) || left.self).toBe(true);
        expect(equalSets(union(difference(left, right), intersection(left, right)), left)).toBe(true);
        expect(equalSets(difference(difference(left, right), right), difference(left, right))).toBe(true);
        expect(jsonEqual(toFieldsV1(union(left, right)), toFieldsV1(union(right, left)))).toBe(true);
      }),
    );
  });
});
