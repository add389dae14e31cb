import { describe, expect, test } from '@jest/globals';
import { compilePath, compileTemplate } from './json-path.js';

const pods = {
  kind: 'List',
  items: [
    {
      metadata: { name: 'a', labels: { 'app.kubernetes.io/name': 'web' } },
      spec: { containers: [{ name: 'x', image: 'i:1' }] },
      status: { restarts: 3, ready: true },
    },
    {
      metadata: { name: 'b' },
      spec: {
        containers: [
          { name: 'y', image: 'i:2' },
          { name: 'z', image: 'i:3' },
        ],
      },
      status: { restarts: 0, ready: false },
    },
  ],
};

describe('jsonpath', () => {
  test.each([
    ['{.kind}', 'List'],
    ['.kind', 'List'],
    ['kind', 'List'],
    ['{.items[*].metadata.name}', 'a b'],
    ['{.items[0].metadata.name}', 'a'],
    ['{.items[-1].metadata.name}', 'b'],
    ['{.items[0:1].metadata.name}', 'a'],
    ['{.items[0,1].metadata.name}', 'a b'],
    ["{.items[0]['metadata'].name}", 'a'],
    ["{.items[0].metadata['name','missing']}", 'a'],
    ['{range .items[*]}{.metadata.name}{"\\t"}{.status.restarts}{"\\n"}{end}', 'a\t3\nb\t0\n'],
    ['{range .items}{.metadata.name},{end}', 'a,b,'],
    ['{.items[?(@.metadata.name=="b")].spec.containers[*].image}', 'i:2 i:3'],
    ['{.items[?(@.status.restarts>1)].metadata.name}', 'a'],
    ['{.items[?(@.status.ready==true)].metadata.name}', 'a'],
    ['{.items[?(@.metadata.labels)].metadata.name}', 'a'],
    ['{.items[0].metadata.labels.app\\.kubernetes\\.io/name}', 'web'],
    ["{.items[0].metadata.labels['app.kubernetes.io/name']}", 'web'],
    ['{..image}', 'i:1 i:2 i:3'],
    ['{.items[*].missing}', ''],
    ['{.items[0].status}', '{"ready":true,"restarts":3}'],
    ['name: {.items[0].metadata.name}!', 'name: a!'],
    ['{range .items[*]}{range .spec.containers[*]}{.name}{end};{end}', 'x;yz;'],
    ["{.items[*]['metadata.name']}", ''],
    ['{$.kind}', 'List'],
  ])('%s prints what kubectl prints', (template, expected) => {
    expect(compileTemplate(template)(pods)).toBe(expected);
  });

  test.each(['{.items[}', '{.items', '{range .items[*]}{.x}', '{end}', '{.items[x]}', '{.items[?(@.a==b)]}'])(
    '%s is refused with an example',
    (template) => {
      expect(() => compileTemplate(template)).toThrow('error parsing jsonpath');
    },
  );

  test('single paths answer values with their types', () => {
    expect(compilePath('.items[0].status.restarts')(pods)).toEqual([3]);
    expect(compilePath('{.items[*].metadata.name}')(pods)).toEqual(['a', 'b']);
  });
});
