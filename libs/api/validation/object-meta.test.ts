import { describe, expect, test } from '@jest/globals';
import { created, pod, updated } from './testing/given.js';

describe('validation of metadata', () => {
  test('a name must have the form of its kind', () => {
    expect(created({ ...pod({}), metadata: { name: 'A' } })).toEqual([
      `metadata.name: Invalid value: "A": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`,
    ]);
    expect(created({ kind: 'Namespace', metadata: { name: 'a.b' } })).toEqual([
      'metadata.name: Invalid value: "a.b": must not contain dots',
    ]);
    expect(created({ kind: 'Service', metadata: { name: '1a' }, spec: { ports: [{ port: 1 }] } })).toEqual([
      `metadata.name: Invalid value: "1a": a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')`,
    ]);
    expect(created({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'system:a/b' } })).toEqual([
      `metadata.name: Invalid value: "system:a/b": may not contain '/'`,
    ]);
    expect(created({ kind: 'ServiceAccount', metadata: { name: '' } })).toEqual([
      'metadata.name: Required value: name or generateName is required',
    ]);
    expect(created({ kind: 'ServiceAccount', metadata: { name: 'a'.repeat(254) } })).toEqual([
      `metadata.name: Invalid value: "${'a'.repeat(254)}": must be no more than 253 bytes`,
    ]);
  });

  test('a generated name may have a stem that ends in a dash', () => {
    expect(created({ kind: 'ServiceAccount', metadata: { name: 'a-xyz', generateName: 'a-' } })).toEqual([]);
  });

  test('namespaces belong to namespaced kinds', () => {
    expect(created({ kind: 'ServiceAccount', metadata: { namespace: '' } })).toEqual(['metadata.namespace: Required value']);
    expect(created({ kind: 'Namespace', metadata: { namespace: 'a' } })).toEqual([
      'metadata.namespace: Forbidden: not allowed on this type',
    ]);
  });

  test('labels and annotations', () => {
    expect(created({ kind: 'ServiceAccount', metadata: { labels: { 'a b': 'c d' } } })).toEqual([
      `metadata.labels: Invalid value: "a b": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
      `metadata.labels: Invalid value: "c d": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
    ]);
    expect(created({ kind: 'ServiceAccount', metadata: { annotations: { a: 'x'.repeat(262_144) } } })).toEqual([
      'metadata.annotations: Too long: may not be more than 262144 bytes',
    ]);
  });

  test('finalizers, owners, and what an update keeps', () => {
    expect(created({ kind: 'ServiceAccount', metadata: { finalizers: ['mine'] } })).toEqual([
      'metadata.finalizers: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
    ]);
    expect(
      created({ kind: 'ServiceAccount', metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: '' }] } }),
    ).toEqual(['metadata.ownerReferences[0].uid: Required value: must not be empty']);
    const old = { kind: 'ServiceAccount', metadata: { uid: '1', deletionTimestamp: '2026-01-01T00:00:00Z' } };
    expect(updated(old, { kind: 'ServiceAccount', metadata: { uid: '2', finalizers: ['a.b/c'] } })).toEqual([
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"a.b/c"}',
      'metadata.uid: Invalid value: "2": field is immutable',
    ]);
  });
});
