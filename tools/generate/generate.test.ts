import { describe, expect, test } from '@jest/globals';
import { loadModels, localName } from './models.js';
import { ownModels } from './own-models.js';
import { openApiNames, renderHash } from './render-docs.js';
import { deriveKinds, kindName } from './render-kinds.js';
import { compactSchema } from './render-schema.js';
import { renderTypes } from './render-types.js';

describe('the generator', () => {
  test('derives kinds from request paths, stable versions only', () => {
    const kinds = deriveKinds();
    expect(kinds.find((kind) => kind.resource === 'deployments')).toEqual({
      group: 'apps',
      version: 'v1',
      resource: 'deployments',
      kind: 'Deployment',
      namespaced: true,
      verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
      subresources: ['scale', 'status'],
      schema: 'Deployment',
    });
    expect(kinds.filter((kind) => /alpha|beta/.test(kind.version))).toEqual([]);
  });

  test.each([
    ['V1Pod', 'Pod'],
    ['V2HorizontalPodAutoscaler', 'HorizontalPodAutoscaler'],
    ['CoreV1Event', 'Event'],
    ['V1beta1Thing', 'Thing'],
  ])('takes the kind %s for %s', (model, kind) => expect(kindName(model)).toBe(kind));

  test('knows a package for every type, and the shared types belong to core and meta', async () => {
    const models = await loadModels();
    for (const [name, model] of Object.entries(ownModels)) models.set(name, model);
    const kinds = deriveKinds();
    const lines = compactSchema(models, [...kinds.map((kind) => kind.schema), ...Object.keys(ownModels).map(localName)]);
    const names = openApiNames(lines, kinds);
    expect([...names.keys()].sort()).toEqual([...lines.keys()].sort());
    expect(names.get('PodSpec')).toBe('io.k8s.api.core.v1.PodSpec');
    expect(names.get('LabelSelector')).toBe('io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector');
    expect(names.get('CoreV1Event')).toBe('io.k8s.api.core.v1.Event');
    expect(new Set(names.values()).size).toBe(names.size);
  });

  test('refuses facts about fields that the models do not have', () => {
    expect(() => compactSchema(new Map(), [])).toThrow(
      'tools/generate/facts.ts names what the models do not have: CSIStorageCapacity.capacity',
    );
  });

  test('refuses types in a notation that it does not know', () => {
    const odd = new Map([['V1Odd', { doc: '', properties: { a: { type: 'Set<string>', doc: '' } } }]]);
    expect(() => compactSchema(odd, ['Odd'])).toThrow('Set<string>');
  });

  test('keeps comments closed and absent members explicit', () => {
    const odd = new Map([['V1Odd', { doc: 'ends */ here', properties: { a: { type: 'Array<string>', doc: '' } } }]]);
    expect(renderTypes(odd)).toBe('/** ends * / here */\nexport interface Odd {\n  readonly "a"?: readonly string[] | undefined;\n}\n');
  });

  test('changes the hash with any text', () => expect(renderHash('a', 'b')).not.toBe(renderHash('a', 'c')));
});
