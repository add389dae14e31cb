/** Bodies as Go's typed clients write them, byte by byte. */
import { describe, expect, test } from '@jest/globals';
import { decodeProtobuf } from './index.js';

const bytes = (number: number, value: Uint8Array | string): Buffer => {
  const content = Buffer.from(value);
  return Buffer.concat([Buffer.from([(number << 3) | 2, content.length]), content]);
};
const varint = (number: number, value: number): Buffer => Buffer.from([number << 3, value]);
const body = (apiVersion: string, kind: string, ...parts: readonly Buffer[]): Buffer => {
  const type = Buffer.concat([bytes(1, apiVersion), bytes(2, kind)]);
  return Buffer.concat([Buffer.from('k8s\0'), bytes(1, type), bytes(2, Buffer.concat(parts))]);
};
const metadata = (name: string): Buffer => bytes(1, Buffer.concat([bytes(1, name), bytes(2, ''), varint(7, 0)]));

describe('protobuf bodies', () => {
  test('maps, bytes and names become what JSON would have said; empty fields of Go do not', () => {
    const entry = Buffer.concat([bytes(1, 'k'), bytes(2, Buffer.from([0xff, 0]))]);
    expect(decodeProtobuf(body('v1', 'Secret', metadata('a'), bytes(2, entry), bytes(3, 'Opaque')))).toEqual({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'a' },
      data: { k: '/wA=' },
      type: 'Opaque',
    });
  });

  test('zero replicas mean zero, and messages that JSON inlines are inlined', () => {
    const probe = bytes(10, Buffer.concat([bytes(1, bytes(3, bytes(1, varint(2, 80)))), varint(2, 5)]));
    const container = Buffer.concat([bytes(1, 'c'), bytes(2, 'image'), probe]);
    const spec = Buffer.concat([varint(1, 0), bytes(3, bytes(2, bytes(2, container)))]);
    expect(decodeProtobuf(body('apps/v1', 'Deployment', metadata('d'), bytes(2, spec)))).toMatchObject({
      spec: {
        replicas: 0,
        template: { spec: { containers: [{ name: 'c', livenessProbe: { tcpSocket: { port: 80 }, initialDelaySeconds: 5 } }] } },
      },
    });
  });

  test('what is cut off, unknown or no protobuf at all is refused in words', () => {
    const whole = body('v1', 'ConfigMap', metadata('a'));
    expect(() => decodeProtobuf(whole.subarray(0, whole.length - 2))).toThrow('unexpected EOF');
    expect(() => decodeProtobuf(body('example.com/v1', 'Thing'))).toThrow('no protobuf encoding is known for Thing');
    expect(() => decodeProtobuf(Buffer.from('{}'))).toThrow('does not appear to be a protobuf message');
  });
});
