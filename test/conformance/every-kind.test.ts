/** Every built-in kind that is stored, by the same script: create, read, list, watch, update, patch, status, delete. Nothing stated is lost. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { allKinds, apiVersionOf, findByKind } from '../../libs/api/index.js';
import { officialClient } from './official-client.js';
import { startRig, type Json, type Rig } from './rig.js';

const file = new URL('../../../test/conformance/every-kind.yaml', import.meta.url);
const manifests: Json[] = parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS());
const label = ({ apiVersion, kind }: Json): string => `${apiVersion} ${kind}`;

let rig: Rig;
beforeAll(async () => {
  rig = await startRig(['api']);
  await rig.namespace('every');
});
afterAll(async () => rig[Symbol.asyncDispose]());

function place(manifest: Json): { readonly path: string; readonly hasStatus: boolean; readonly verbs: readonly string[] } {
  const kind = findByKind(manifest.apiVersion, manifest.kind);
  if (kind === undefined) throw new Error(`${label(manifest)} is not a kind`);
  const root = kind.group === '' ? '/api/v1' : `/apis/${apiVersionOf(kind)}`;
  const path = `${root}${kind.namespaced ? '/namespaces/every' : ''}/${kind.resource}`;
  return { path, hasStatus: kind.subresources.includes('status'), verbs: kind.verbs };
}

test('there is a manifest of each kind', () => {
  const stored = allKinds().filter((kind) => kind.stored && kind.group !== 'berth.dev');
  expect(manifests.map(label).toSorted()).toEqual(stored.map((kind) => `${apiVersionOf(kind)} ${kind.kind}`).toSorted());
});

describe.each(manifests.map((manifest) => [label(manifest), manifest] as const))('%s', (_label, manifest) => {
  const { path, hasStatus, verbs } = place(manifest);
  const one = `${path}/${manifest.metadata.name}`;

  test('lives its whole life', async () => {
    const created = await rig.call('POST', `${path}?fieldValidation=Strict`, manifest);
    expect([created.status, created.body.kind === 'Status' ? created.body.message : '']).toEqual([201, '']);
    expect(created.body).toMatchObject(manifest);
    const { resourceVersion, uid, creationTimestamp } = created.body.metadata;
    expect([uid.length, /^\d+$/.test(resourceVersion), creationTimestamp.length]).toEqual([36, true, 20]);
    const read = await rig.call('GET', one);
    expect(read.body).toEqual(created.body);
    const listed = await rig.call('GET', `${path}?fieldSelector=metadata.name%3D${manifest.metadata.name}`);
    expect(listed.body).toMatchObject({ kind: `${manifest.kind}List`, apiVersion: manifest.apiVersion });
    expect(listed.body.items).toHaveLength(1);
    const put = await rig.call('PUT', one, { ...read.body, metadata: { ...read.body.metadata, labels: { put: 'yes' } } });
    expect([put.status, put.body.metadata?.labels]).toEqual([200, expect.objectContaining({ put: 'yes' })]);
    const patched = await rig.patch(one, 'merge', { metadata: { annotations: { patched: 'yes' } } });
    expect(patched.body).toMatchObject({ ...manifest, metadata: { annotations: { patched: 'yes' }, labels: { put: 'yes' }, uid } });
    using watching = await rig.watch(
      `${path}?watch=1&resourceVersion=${resourceVersion}&fieldSelector=metadata.name%3D${manifest.metadata.name}`,
    );
    expect(await watching.next()).toMatchObject({ type: 'MODIFIED', object: { apiVersion: manifest.apiVersion, kind: manifest.kind } });
    if (hasStatus) {
      const status = await rig.patch(`${one}/status`, 'merge', { metadata: { annotations: { status: 'patched' } } });
      expect(status.status).toBe(200);
    }
    const table = await rig.call('GET', one, undefined, { headers: { Accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } });
    expect(table.body.rows[0].cells).toHaveLength(table.body.columnDefinitions.length);
    const deleted = await rig.call('DELETE', one, { propagationPolicy: 'Background' });
    expect([200, 202]).toContain(deleted.status);
    const after = await rig.call('GET', one);
    expect(after.status === 404 || after.body.metadata.deletionTimestamp !== undefined).toBe(true);
    if (verbs.includes('deletecollection')) expect((await rig.call('DELETE', `${path}?labelSelector=no%3Dsuch`)).status).toBe(200);
  });
});

describe('the official client', () => {
  test('creates, lists in pages, deletes, and reads refusals', async () => {
    const client = await officialClient();
    const config = await rig.kubeConfig();
    const core = config.makeApiClient(client.CoreV1Api);
    for (const name of ['one', 'two', 'three']) {
      await core.createNamespacedConfigMap({
        namespace: 'every',
        body: { metadata: { name, labels: { by: 'client' } }, data: { a: 'b' } },
      });
    }
    const page = await core.listNamespacedConfigMap({ namespace: 'every', labelSelector: 'by=client', limit: 2 });
    expect([page.items.length, page.metadata?.remainingItemCount]).toEqual([2, undefined]);
    const rest = await core.listNamespacedConfigMap({
      namespace: 'every',
      labelSelector: 'by=client',
      limit: 2,
      _continue: page.metadata?._continue ?? '',
    });
    expect(rest.items.map((item) => item.metadata?.name)).toEqual(['two']);
    const apps = config.makeApiClient(client.AppsV1Api);
    expect((await apps.getAPIResources()).resources.map((resource) => resource.name)).toContain('deployments/scale');
    await expect(core.readNamespacedPod({ namespace: 'every', name: 'nobody' })).rejects.toThrow(/HTTP-Code: 404[^]*not found/);
    expect((await core.deleteNamespacedConfigMap({ namespace: 'every', name: 'one' })).status).toBe('Success');
    expect((await config.makeApiClient(client.VersionApi).getCode()).gitVersion).toBe('v1.36.0');
  });
});
