/** Bodies that are no manifests at all: broken, too large, or made to harm. */

export interface MalformedBody {
  readonly name: string;
  readonly type: string;
  readonly data: string | Uint8Array<ArrayBuffer>;
  readonly code: 400 | 413 | 415 | 422;
  /** What the message must say. */
  readonly error: string | RegExp;
}

const json = 'application/json';
const yaml = 'application/yaml';
const protobuf = 'application/vnd.kubernetes.protobuf';
const MIB = 1024 * 1024;

const unrecognized = "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: ";

function nested(open: string, close: string, depth: number): string {
  return open.repeat(depth) + close.repeat(depth);
}

/** Nine to the power of twelve references in half a kilobyte. */
function yamlBomb(): string {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
  for (let level = 1; level <= 12; level++)
    lines.push(
      `a${level}: &a${level} [${Array(9)
        .fill(`*a${level - 1}`)
        .join(', ')}]`,
    );
  return lines.join('\n');
}

export const malformedBodies: readonly MalformedBody[] = [
  { name: 'nothing', type: json, data: '', code: 400, error: `${unrecognized}unexpected end of JSON input (<empty>)` },
  {
    name: 'a word',
    type: json,
    data: 'hello',
    code: 400,
    error: `${unrecognized}invalid character 'h' looking for beginning of value (68656c6c6f)`,
  },
  { name: 'JSON that is cut off', type: json, data: '{"metadata":{"name":"x"', code: 400, error: /unexpected end of JSON input/ },
  {
    name: 'a comma too many',
    type: json,
    data: '{"metadata":{"name":"x"},}',
    code: 400,
    error: /invalid character '}' looking for beginning of object key string/,
  },
  { name: 'a list', type: json, data: '[]', code: 400, error: /cannot unmarshal array into Go value/ },
  { name: 'null', type: json, data: 'null', code: 400, error: /unrecognized/ },
  { name: 'a number beyond all', type: json, data: '{"metadata":{"name":"x","generation":1e400}}', code: 400, error: /of type int64/ },
  {
    name: 'a hundred thousand nested lists',
    type: json,
    data: `{"data":${nested('[', ']', 100_000)}}`,
    code: 400,
    error: /cannot be handled as a ConfigMap/,
  },
  {
    name: 'a hundred thousand nested YAML lists',
    type: yaml,
    data: `a: ${nested('[', ']', 100_000)}`,
    code: 400,
    error: /error converting YAML to JSON/,
  },
  { name: 'a YAML bomb', type: yaml, data: yamlBomb(), code: 400, error: /error converting YAML to JSON: yaml: / },
  { name: 'YAML that contains itself', type: yaml, data: 'a: &a\n  b: *a\n', code: 400, error: /./ },
  { name: 'YAML indented by tabs', type: yaml, data: 'metadata:\n\tname: x\n', code: 400, error: /error converting YAML to JSON: yaml: / },
  {
    name: 'invalid UTF-8',
    type: json,
    data: new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
    code: 400,
    error: /invalid UTF-8/,
  },
  {
    name: 'four mebibytes',
    type: json,
    data: `{"metadata":{"name":"x"},"data":{"a":"${'x'.repeat(4 * MIB)}"}}`,
    code: 413,
    error: 'Request entity too large: limit is 3145728',
  },
  {
    name: 'two mebibytes of configuration',
    type: json,
    data: `{"metadata":{"name":"x"},"data":{"a":"${'x'.repeat(2 * MIB)}"}}`,
    code: 422,
    error: 'ConfigMap "x" is invalid: Too long: may not be more than 1048576 bytes',
  },
  {
    name: 'protobuf without its head',
    type: protobuf,
    data: new Uint8Array([1, 2, 3]),
    code: 400,
    error: /does not appear to be a protobuf message/,
  },
  {
    name: 'protobuf that is cut off',
    type: protobuf,
    data: new Uint8Array([0x6b, 0x38, 0x73, 0, 0xff, 0xff, 0xff, 0xff]),
    code: 400,
    error: /./,
  },
  { name: 'XML', type: 'application/xml', data: '<a/>', code: 415, error: /accepted media types include: application\/json/ },
];
