import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { StatusError } from '../errors.js';
import { findByKind, type KindInfo } from '../kinds.js';
import { decodeObject, decodeValue } from './decode.js';
import { explainSyntaxError } from './json-syntax.js';
import { findType, typeNames, type Shape } from './shapes.js';

function kind(apiVersion: string, name: string): KindInfo {
  const found = findByKind(apiVersion, name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}
const deployment = kind('apps/v1', 'Deployment');
const pod = kind('v1', 'Pod');

function message(target: KindInfo, body: unknown, fieldValidation: 'Strict' | 'Warn' | 'Ignore' = 'Ignore'): string {
  try {
    decodeObject(target, typeof body === 'string' ? body : JSON.stringify(body), { fieldValidation });
  } catch (error) {
    if (error instanceof StatusError && error.reason === 'BadRequest') return error.message;
    throw error;
  }
  return 'no error';
}

describe('decoding a body', () => {
  test('names the field and both types when a type is wrong', () => {
    expect(message(deployment, { spec: { replicas: 'two' } })).toBe(
      'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    );
    expect(message(pod, { metadata: { labels: { a: 1 } } })).toContain(
      'cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string',
    );
    expect(message(deployment, { spec: { template: { spec: { containers: [{ ports: {} }] } } } })).toContain(
      'cannot unmarshal object into Go struct field Container.spec.template.spec.containers.ports of type []v1.ContainerPort',
    );
    expect(message(pod, { spec: 'x' })).toContain('cannot unmarshal string into Go struct field Pod.spec of type v1.PodSpec');
    expect(message(pod, { spec: { restartPolicy: 1 } })).toContain('of type v1.RestartPolicy');
  });

  test('refuses numbers that do not fit', () => {
    expect(message(deployment, { spec: { replicas: 1.5 } })).toContain('cannot unmarshal number 1.5 into');
    expect(message(deployment, { spec: { replicas: 3000000000 } })).toContain('cannot unmarshal number 3000000000 into');
    expect(message(pod, { spec: { activeDeadlineSeconds: 1e19 } })).toContain('of type int64');
  });

  test('reports unknown and duplicate fields under Strict, warns under Warn, drops them always', () => {
    const text =
      '{"kind":"Deployment","metadata":{"name":"a","name":"b"},"spec":{"replica":1,"template":{"spec":{"containers":[{"foo":1}]}}}}';
    expect(message(deployment, text, 'Strict')).toBe(
      'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: duplicate field "metadata.name", unknown field "spec.replica", unknown field "spec.template.spec.containers[0].foo"',
    );
    const warned = decodeObject(deployment, text, { fieldValidation: 'Warn' });
    expect(warned.warnings).toEqual([
      'duplicate field "metadata.name"',
      'unknown field "spec.replica"',
      'unknown field "spec.template.spec.containers[0].foo"',
    ]);
    expect(decodeObject(deployment, text).warnings).toEqual([]);
    expect(warned.object).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'b' },
      spec: { template: { spec: { containers: [{}] } } },
    });
  });

  test('finds duplicates of escaped names and in list members', () => {
    expect(message(pod, '{"spec":{"containers":[{"name":"a"},{"name":"a","\\u006eame":"{\\"b"}]}}', 'Strict')).toContain(
      'duplicate field "spec.containers[1].name"',
    );
  });

  test('reports problems in the order of the text, and nothing about the inside of unknown fields', () => {
    const text = '{"spec":{"new":{"a":1,"a":2},"new":3,"paused":true,"paused":false,"template":{"spec":{"other":1}}}}';
    expect(message(deployment, text, 'Strict')).toContain(
      'strict decoding error: unknown field "spec.new", duplicate field "spec.paused", unknown field "spec.template.spec.other"',
    );
  });

  test('tells apart versions and kinds', () => {
    expect(message(deployment, { apiVersion: 'apps/v1beta1' })).toBe(
      'the API version in the data (apps/v1beta1) does not match the expected API version (apps/v1)',
    );
    expect(message(deployment, { apiVersion: 'v1', kind: 'Pod' })).toContain('Pod in version "v1" cannot be handled as a Deployment');
    expect(
      decodeObject({ group: '', version: 'v1', kind: 'DeleteOptions', schema: 'DeleteOptions' }, '{"apiVersion":"apps/v1"}', {
        anyVersion: true,
      }).object.kind,
    ).toBe('DeleteOptions');
  });

  test('normalises quantities, times and bytes, and drops nulls and empty optional collections', () => {
    const { object } = decodeObject(
      pod,
      JSON.stringify({
        metadata: { name: 'p', creationTimestamp: null, labels: {}, deletionTimestamp: '2026-11-22T10:00:00.75+02:00' },
        spec: {
          containers: [{ name: 'c', resources: { limits: { cpu: 0.5, memory: '1024Mi' } }, args: [], env: null }],
          volumes: [{ name: 'v', emptyDir: { sizeLimit: '1024Mi' } }],
        },
      }),
    );
    expect(object).toEqual({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', deletionTimestamp: '2026-11-22T08:00:00Z' },
      spec: {
        containers: [{ name: 'c', resources: { limits: { cpu: '500m', memory: '1Gi' } } }],
        volumes: [{ name: 'v', emptyDir: { sizeLimit: '1024Mi' } }],
      },
    });
    const lease = decodeObject(kind('coordination.k8s.io/v1', 'Lease'), '{"spec":{"renewTime":"2026-11-22T08:00:00.1234567Z"}}');
    expect(lease.object['spec']).toEqual({ renewTime: '2026-11-22T08:00:00.123456Z' });
    expect(message(kind('v1', 'Secret'), { data: { a: 'not base64!' } })).toContain('illegal base64 data at input byte 3');
    expect(message(pod, { spec: { containers: [{ resources: { limits: { cpu: 'lots' } } }] } })).toContain(
      'quantities must match the regular expression',
    );
    expect(message(pod, { metadata: { creationTimestamp: 'yesterday' } })).toContain('parsing time "yesterday" as');
  });

  test('puts kind and version first, also where the body leaves them empty', () => {
    const { object } = decodeObject(pod, '{"spec":{},"apiVersion":"","metadata":{"namespace":"","name":"p"}}');
    expect(JSON.stringify(object)).toBe('{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{}}');
  });

  test('keeps free-form values as they are', () => {
    const { object } = decodeObject(kind('apps/v1', 'ControllerRevision'), '{"data":{"a":null,"b":[]},"revision":1}');
    expect(object['data']).toEqual({ a: null, b: [] });
  });

  test('keeps labels with odd names without touching prototypes', () => {
    const { object } = decodeObject(pod, '{"metadata":{"labels":{"__proto__":"x","constructor":"y"}}}');
    expect(JSON.stringify(object.metadata)).toBe('{"labels":{"__proto__":"x","constructor":"y"}}');
  });

  test('survives deep nesting', () => {
    const deep = `{"data":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    expect(message(kind('apps/v1', 'ControllerRevision'), deep, 'Strict')).toContain('exceeded max depth');
    const schema = `{"spec":{"versions":[{"schema":{"openAPIV3Schema":${'{"not":'.repeat(20_000)}{}${'}'.repeat(20_000)}}}]}}`;
    expect(message(kind('apiextensions.k8s.io/v1', 'CustomResourceDefinition'), schema)).toContain('exceeded max depth');
  });

  test.each([
    ['', 'unexpected end of JSON input'],
    ['{"a":1', 'unexpected end of JSON input'],
    ['{a:1}', "invalid character 'a' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b":2}', "invalid character '\"' after object key:value pair"],
    ['[1 2]', "invalid character '2' after array element"],
    ['{"a":x}', "invalid character 'x' looking for beginning of value"],
    ['{} x', "invalid character 'x' after top-level value"],
    ['{"a":"\n"}', "invalid character '\\n' in string literal"],
  ])('explains %p as Go does', (text, expected) => {
    expect(explainSyntaxError(text)).toBe(expected);
    expect(message(pod, text)).toContain(`couldn't get version/kind; json parse error: ${expected}`);
  });

  test('a text that JSON.parse refuses is always explained', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), fc.string({ maxLength: 2 }), (json, at, noise) => {
        const cut = at % (json.length + 1);
        const broken = json.slice(0, cut) + noise + json.slice(cut + 1);
        let valid = true;
        try {
          JSON.parse(broken);
        } catch {
          valid = false;
        }
        if (!valid) expect(explainSyntaxError(broken)).toMatch(/^(invalid character '.+' |unexpected end)/su);
      }),
    );
  });

  test('decoding what was decoded changes nothing', () => {
    const once = decodeObject(
      pod,
      '{"metadata":{"name":"a"},"spec":{"containers":[{"name":"c","resources":{"requests":{"cpu":"0.1"}}}]}}',
    ).object;
    expect(decodeValue(pod, once).object).toEqual(once);
  });

  test('every type that the schema names exists', () => {
    const follow = (shape: Shape): string | undefined =>
      shape.kind === 'object'
        ? shape.type
        : shape.kind === 'list'
          ? follow(shape.items)
          : shape.kind === 'map'
            ? follow(shape.values)
            : undefined;
    for (const name of typeNames())
      for (const field of findType(name)?.fields.values() ?? []) {
        const type = follow(field.shape);
        if (type !== undefined) expect([name, type, findType(type)?.name]).toEqual([name, type, type]);
      }
  });
});

test('nothing in the generated folder is unexpected', () => {
  expect(readdirSync('libs/api/generated').filter((name) => name.endsWith('.ts'))).toEqual(
    expect.arrayContaining(['kinds.ts', 'schema.ts', 'types.ts']),
  );
  expect(readFileSync('libs/api/generated/schema.ts', 'utf8').length).toBeLessThan(100_000);
});
