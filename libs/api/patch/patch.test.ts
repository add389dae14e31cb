import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { StatusError } from '../errors.js';
import { findByKind, type KindInfo } from '../kinds.js';
import type { KubeObject } from '../object.js';
import { applyPatch, type PatchType } from './apply-patch.js';
import { jsonEqual, mergeOrder } from './json-value.js';
import { applyMergePatch } from './merge-patch.js';

function kind(apiVersion: string, name: string): KindInfo {
  const found = findByKind(apiVersion, name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}
const deploymentKind = kind('apps/v1', 'Deployment');

function deployment(podSpec: Readonly<Record<string, unknown>>, spec: Readonly<Record<string, unknown>> = {}): KubeObject {
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec: { ...spec, template: { spec: podSpec } } };
}

function podSpec(object: KubeObject): unknown {
  return (object['spec'] as { template: { spec: unknown } }).template.spec;
}

function patched(type: PatchType, current: KubeObject, patch: unknown): KubeObject {
  return applyPatch(kind(current.apiVersion, current.kind), type, current, { text: JSON.stringify(patch) }).object;
}

function patchedPodSpec(current: Readonly<Record<string, unknown>>, patch: Readonly<Record<string, unknown>>): unknown {
  return podSpec(patched('strategic', deployment(current), { spec: { template: { spec: patch } } }));
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

describe('strategic merge patch', () => {
  const web = { name: 'web', image: 'a', ports: [{ containerPort: 80 }] };

  test('merges containers by name, and their ports by number', () => {
    expect(
      patchedPodSpec(
        { containers: [web, { name: 'log' }] },
        { containers: [{ name: 'web', image: 'b', ports: [{ containerPort: 443, name: 'tls' }] }] },
      ),
    ).toEqual({
      containers: [{ name: 'web', image: 'b', ports: [{ containerPort: 80 }, { containerPort: 443, name: 'tls' }] }, { name: 'log' }],
    });
  });

  test('replaces lists without a merge key', () => {
    expect(patchedPodSpec({ containers: [{ name: 'web', args: ['a', 'b'] }] }, { containers: [{ name: 'web', args: ['c'] }] })).toEqual({
      containers: [{ name: 'web', args: ['c'] }],
    });
    expect(patchedPodSpec({ containers: [], tolerations: [{ key: 'a' }] }, { tolerations: [{ key: 'b' }] })).toMatchObject({
      tolerations: [{ key: 'b' }],
    });
  });

  test('deletes members by directive and values by null', () => {
    expect(
      patchedPodSpec(
        { containers: [web, { name: 'log' }], nodeName: 'n' },
        { nodeName: null, containers: [{ name: 'log', $patch: 'delete' }] },
      ),
    ).toEqual({ containers: [web] });
  });

  test('replaces a list or an object whole where the patch says so', () => {
    expect(patchedPodSpec({ containers: [web] }, { containers: [{ $patch: 'replace' }, { name: 'new' }] })).toEqual({
      containers: [{ name: 'new' }],
    });
    expect(
      patchedPodSpec({ containers: [], securityContext: { runAsUser: 1 } }, { securityContext: { $patch: 'replace', fsGroup: 2 } }),
    ).toMatchObject({
      securityContext: { fsGroup: 2 },
    });
  });

  test('keeps only the members that $retainKeys names', () => {
    const live = { ...deployment({ containers: [] }, { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } }) };
    const changed = patched('strategic', live, { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } });
    expect(changed['spec']).toMatchObject({ strategy: { type: 'Recreate' } });
    expect(JSON.stringify(changed)).not.toContain('rollingUpdate');
  });

  test('orders as $setElementOrder says, with live-only members at their old places', () => {
    const result = patchedPodSpec(
      { containers: [{ name: 'a' }, { name: 'injected' }, { name: 'b' }] },
      { '$setElementOrder/containers': [{ name: 'b' }, { name: 'c' }, { name: 'a' }], containers: [{ name: 'c' }] },
    );
    expect((result as { containers: { name: string }[] }).containers.map((c) => c.name)).toEqual(['injected', 'b', 'c', 'a']);
  });

  test('adds to and deletes from lists of plain values', () => {
    const live: KubeObject = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', finalizers: ['a', 'b'] } };
    expect(patched('strategic', live, { metadata: { finalizers: ['c', 'a'] } }).metadata.finalizers).toEqual(['a', 'b', 'c']);
    expect(patched('strategic', live, { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } }).metadata.finalizers).toEqual(['b']);
  });

  test('merges service ports by port', () => {
    const live: KubeObject = { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec: { ports: [{ port: 80, targetPort: 1 }] } };
    expect(patched('strategic', live, { spec: { ports: [{ port: 80, targetPort: 'http' }] } })['spec']).toEqual({
      ports: [{ port: 80, targetPort: 'http' }],
    });
  });

  test('says which key a member lacks', () => {
    expect(failure(() => patchedPodSpec({ containers: [] }, { containers: [{ image: 'x' }] })).message).toContain(
      'does not contain declared merge key: name',
    );
  });

  test('leaves its arguments alone', () => {
    const live = deployment({ containers: [web] });
    const before = JSON.stringify(live);
    patched('strategic', live, { spec: { template: { spec: { containers: [{ name: 'web', image: 'z', ports: null }] } } } });
    expect(JSON.stringify(live)).toBe(before);
  });
});

describe('merge patch', () => {
  test('replaces lists, merges objects and deletes by null', () => {
    const live: KubeObject = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', labels: { a: '1', b: '2' }, finalizers: ['x'] } };
    expect(patched('merge', live, { metadata: { labels: { a: null, c: '3' }, finalizers: ['y'] } }).metadata).toEqual({
      name: 'p',
      labels: { b: '2', c: '3' },
      finalizers: ['y'],
    });
  });

  test('is idempotent', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.jsonValue({ maxDepth: 4 }), (value, patch) => {
        const once = applyMergePatch(value, patch);
        expect(jsonEqual(applyMergePatch(once, patch), once)).toBe(true);
      }),
    );
  });

  test('refuses wrong types with the outcome in the message', () => {
    const error = failure(() => patched('merge', deployment({ containers: [] }), { spec: { replicas: 'x' } }));
    expect(error.reason).toBe('Invalid');
    expect(error.message).toMatch(
      /"" is invalid: patch: Invalid value: ".*json: cannot unmarshal string into Go struct field DeploymentSpec\.spec\.replicas of type int32$/,
    );
  });

  test('refuses unknown and duplicate fields under Strict', () => {
    const run = (text: string): StatusError =>
      failure(() => applyPatch(deploymentKind, 'merge', deployment({ containers: [] }), { text, fieldValidation: 'Strict' }));
    expect(run('{"spec":{"replica":1}}').message).toBe('strict decoding error: unknown field "spec.replica"');
    expect(run('{"spec":{"replicas":1,"replicas":2}}').message).toBe('strict decoding error: duplicate field "spec.replicas"');
  });
});

describe('JSON patch', () => {
  const live: KubeObject = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'c', finalizers: ['f'] },
    data: { a: '1', 'x/y': '2' },
  };

  test('adds, replaces, removes, moves, copies and tests', () => {
    expect(
      patched('json', live, [
        { op: 'test', path: '/data/a', value: '1' },
        { op: 'add', path: '/data/b', value: '2' },
        { op: 'replace', path: '/data/a', value: '3' },
        { op: 'copy', from: '/data/a', path: '/data/c' },
        { op: 'move', from: '/data/b', path: '/data/d' },
        { op: 'remove', path: '/data/x~1y' },
      ])['data'],
    ).toEqual({ a: '3', c: '3', d: '2' });
    expect(live['data']).toEqual({ a: '1', 'x/y': '2' });
  });

  test('inserts into lists, at an index and at the end', () => {
    const ops = [
      { op: 'add', path: '/metadata/finalizers/0', value: 'first' },
      { op: 'add', path: '/metadata/finalizers/-', value: 'last' },
      { op: 'replace', path: '/metadata/finalizers/1', value: 'middle' },
    ];
    expect(patched('json', live, ops).metadata.finalizers).toEqual(['first', 'middle', 'last']);
  });

  test('says of any operation that does not apply what Kubernetes says', () => {
    const { status } = failure(() => patched('json', live, [{ op: 'test', path: '/data/a', value: '2' }]));
    expect(status.message).toBe('the server rejected our request due to an error in our request');
    expect(status.details).toBeUndefined();
  });

  test('stops copies of copies before they fill the memory', () => {
    const doubling = Array.from({ length: 40 }, (_, i) => ({ op: 'copy', from: '/data', path: `/data/x${i}` }));
    expect(failure(() => patched('json', live, doubling)).reason).toBe('Invalid');
  });

  test.each([
    [[{ op: 'test', path: '/data/a', value: '2' }], 'Invalid'],
    [[{ op: 'remove', path: '/data/none' }], 'Invalid'],
    [[{ op: 'replace', path: '/metadata/__proto__/x', value: 1 }], 'Invalid'],
    [[{ op: 'replace', path: '/data/none', value: '1' }], 'Invalid'],
    [[{ op: 'add', path: '/metadata/finalizers/2', value: 'x' }], 'Invalid'],
    [[{ op: 'add', path: '/metadata/finalizers/01', value: 'x' }], 'Invalid'],
    [[{ op: 'move', from: '/data', path: '/data/a' }], 'Invalid'],
    [[{ op: 'add', path: 'data', value: 'x' }], 'BadRequest'],
    [[{ op: 'add', path: '/data/a' }], 'BadRequest'],
    [[{ op: 'explode', path: '/data' }], 'BadRequest'],
    [{ op: 'add' }, 'BadRequest'],
    [Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/kind', value: 'ConfigMap' })), 'RequestEntityTooLarge'],
  ])('refuses %#', (patch, reason) => expect(failure(() => patched('json', live, patch)).reason).toBe(reason));
});

describe('a patch text', () => {
  test('that is broken or too deep is refused', () => {
    const run = (text: string): string => failure(() => applyPatch(deploymentKind, 'merge', deployment({}), { text })).message;
    expect(run('{')).toBe('error decoding patch: unexpected end of JSON input');
    expect(run('{"a":'.repeat(50_000) + '1' + '}'.repeat(50_000))).toContain('exceeded max depth');
  });
});

describe('the order of merged lists', () => {
  test('has every key once, the wanted ones in their order and the others in theirs', () => {
    const keys = fc.uniqueArray(fc.constantFrom<string>('a', 'b', 'c', 'd', 'e', 'f'), { maxLength: 6 });
    fc.assert(
      fc.property(keys, keys, (live, wanted) => {
        const merged = mergeOrder(live, wanted);
        expect([...merged].sort()).toEqual([...new Set([...live, ...wanted])].sort());
        expect(merged.filter((k) => wanted.includes(k))).toEqual(wanted);
        expect(merged.filter((k) => !wanted.includes(k))).toEqual(live.filter((k) => !wanted.includes(k)));
      }),
    );
  });
});
