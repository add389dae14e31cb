import { beforeAll, describe, expect, test } from '@jest/globals';
import protobuf from 'protobufjs';
import { allKinds } from '../kinds.js';
import { groupVersionPath, openApiV2Document, openApiV2Protobuf, openApiV3Document, openApiV3Index } from './documents.js';

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Readonly<Record<string, unknown>>>> };
}

async function v3(path: string): Promise<Document> {
  return JSON.parse((await openApiV3Document(path)) ?? 'null') as Document;
}

/** Every `$ref` anywhere in a value. */
function refs(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => (key === '$ref' && typeof member === 'string' ? [member] : refs(member)));
}

describe('OpenAPI v3', () => {
  let apps: Document;
  beforeAll(async () => {
    apps = await v3('apis/apps/v1');
  });

  test('lists every group version, and has a document for each in which all references lead somewhere', async () => {
    const index = JSON.parse(openApiV3Index()) as { paths: Record<string, { serverRelativeURL: string }> };
    expect(Object.keys(index.paths)).toEqual([...new Set(allKinds().map(groupVersionPath))]);
    for (const [path, { serverRelativeURL }] of Object.entries(index.paths)) {
      expect(serverRelativeURL).toMatch(new RegExp(`^/openapi/v3/${path.replaceAll('.', '\\.')}\\?hash=[0-9A-F]{64}$`));
      const document = await v3(path);
      const lost = refs(document).filter((ref) => document.components.schemas[ref.replace('#/components/schemas/', '')] === undefined);
      expect([path, lost]).toEqual([path, []]);
    }
    expect(await openApiV3Document('apis/none/v1')).toBeUndefined();
  });

  test('names types as Kubernetes does and says how their lists merge', () => {
    expect(apps.components.schemas['io.k8s.api.apps.v1.Deployment']).toMatchObject({
      'x-kubernetes-group-version-kind': [{ group: 'apps', kind: 'Deployment', version: 'v1' }],
    });
    const podSpec = apps.components.schemas['io.k8s.api.core.v1.PodSpec'];
    expect(podSpec).toMatchObject({
      required: ['containers'],
      properties: {
        containers: {
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          'x-kubernetes-patch-merge-key': 'name',
          'x-kubernetes-patch-strategy': 'merge',
        },
        volumes: { 'x-kubernetes-patch-strategy': 'merge,retainKeys' },
        tolerations: { 'x-kubernetes-list-type': 'atomic' },
      },
    });
    expect(apps.components.schemas['io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector']).toMatchObject({
      'x-kubernetes-map-type': 'atomic',
    });
  });

  test('has the patch types and parameters that kubectl looks for before it relies on the server', () => {
    const patch = apps.paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}']?.['patch'];
    expect(patch).toMatchObject({
      'x-kubernetes-action': 'patch',
      'x-kubernetes-group-version-kind': { group: 'apps', kind: 'Deployment', version: 'v1' },
      requestBody: { content: { 'application/strategic-merge-patch+json': {}, 'application/apply-patch+yaml': {} } },
      parameters: expect.arrayContaining([
        expect.objectContaining({ name: 'dryRun' }),
        expect.objectContaining({ name: 'fieldValidation' }),
      ]),
    });
    expect(apps.paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale']?.['get']).toMatchObject({
      'x-kubernetes-group-version-kind': { kind: 'Scale' },
    });
    expect(Object.keys(apps.paths)).not.toContain('/apis/apps/v1/namespaces/{namespace}/deployments/{name}/exec');
  });

  test('gives every operation an id of its own', async () => {
    const ids: string[] = [];
    for (const path of new Set(allKinds().map(groupVersionPath))) {
      for (const item of Object.values((await v3(path)).paths))
        ids.push(...Object.values(item).flatMap((o) => (typeof o['operationId'] === 'string' ? [o['operationId']] : [])));
    }
    expect(ids.length).toBeGreaterThan(500);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('OpenAPI v2', () => {
  test('holds all types, with references that lead somewhere', async () => {
    const document = JSON.parse(await openApiV2Document()) as Record<string, unknown>;
    const definitions = document['definitions'] as Record<string, unknown>;
    expect(refs(document).filter((ref) => definitions[ref.replace('#/definitions/', '')] === undefined)).toEqual([]);
    expect(Object.keys(definitions)).toEqual(
      expect.arrayContaining([
        'io.k8s.api.core.v1.Pod',
        'io.k8s.api.resource.v1.ResourceClaimList',
        'dev.berth.v1alpha1.Operation',
        'io.k8s.api.events.v1.Event',
      ]),
    );
    expect(definitions['io.k8s.apimachinery.pkg.api.resource.Quantity']).toMatchObject({ type: 'string' });
  });

  test('is written in protobuf with the field numbers of OpenAPIv2.proto', async () => {
    const root = protobuf.parse(protoOfTest).root;
    const decoded = root.lookupType('Document').toObject(root.lookupType('Document').decode(await openApiV2Protobuf())) as ProtoDocument;
    const pod = decoded.definitions.all.find((d) => d.name === 'io.k8s.api.core.v1.PodSpec')?.value;
    expect(pod?.required).toEqual(['containers']);
    expect(pod?.properties.all.find((p) => p.name === 'containers')?.value).toMatchObject({
      type: { value: ['array'] },
      items: { schema: [{ ref: '#/definitions/io.k8s.api.core.v1.Container' }] },
      extensions: expect.arrayContaining([{ name: 'x-kubernetes-patch-merge-key', value: { yaml: '"name"' } }]),
    });
    expect(decoded.paths.all.find((p) => p.name === '/api/v1/namespaces/{namespace}/pods/{name}')?.value.patch).toMatchObject({
      consumes: expect.arrayContaining(['application/strategic-merge-patch+json']),
    });
  });
});

/** The part of the format that the test looks at, in its own words. */
const protoOfTest = `syntax = "proto3";
message Document { string swagger = 1; Paths paths = 8; Definitions definitions = 9; }
message Paths { repeated NamedPath all = 2; }
message NamedPath { string name = 1; PathItem value = 2; }
message PathItem { Operation get = 2; Operation patch = 8; }
message Operation { string id = 5; repeated string consumes = 7; }
message Definitions { repeated NamedSchema all = 1; }
message NamedSchema { string name = 1; Schema value = 2; }
message Schema { string ref = 1; string format = 2; string description = 4; repeated string required = 19; Type type = 22; Items items = 23; Definitions properties = 25; repeated NamedAny extensions = 31; }
message Type { repeated string value = 1; }
message Items { repeated Schema schema = 1; }
message NamedAny { string name = 1; AnyValue value = 2; }
message AnyValue { string yaml = 2; }`;

interface ProtoSchema {
  readonly required: readonly string[];
  readonly properties: { readonly all: readonly { readonly name: string; readonly value: unknown }[] };
}
interface ProtoDocument {
  readonly paths: { readonly all: readonly { readonly name: string; readonly value: { readonly patch: unknown } }[] };
  readonly definitions: { readonly all: readonly { readonly name: string; readonly value: ProtoSchema }[] };
}
