/**
 * The v2 document in protobuf, as `application/com.github.proto-openapi.spec.v2.v1.0+protobuf`: kubectl before 1.27, and
 * `kubectl explain --output plaintext-openapiv2`, read nothing else. Field numbers are those of gnostic's OpenAPIv2.proto.
 */
import { isRecord, type JsonRecord } from '../patch/json-value.js';

const LENGTH_DELIMITED = 2;

/** A growing message. Nested messages are written apart and copied in, because their length comes first. */
class Message {
  private bytes = new Uint8Array(64);
  private length = 0;

  string(field: number, value: unknown): this {
    return typeof value === 'string' && value !== '' ? this.chunk(field, utf8(value)) : this;
  }

  strings(field: number, values: unknown): this {
    if (Array.isArray(values)) for (const value of values) this.string(field, value);
    return this;
  }

  boolean(field: number, value: unknown): this {
    if (value === true) {
      this.varint(field * 8);
      this.varint(1);
    }
    return this;
  }

  message(field: number, value: Message | undefined): this {
    return value === undefined ? this : this.chunk(field, value.finish());
  }

  finish(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  private chunk(field: number, bytes: Uint8Array): this {
    this.varint(field * 8 + LENGTH_DELIMITED);
    this.varint(bytes.length);
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
    return this;
  }

  private varint(value: number): void {
    this.reserve(8);
    let rest = value;
    while (rest > 127) {
      this.bytes[this.length++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.bytes[this.length++] = rest;
  }

  private reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + more));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}

function utf8(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 0x3f));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
    else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 0x3f), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
  }
  return Uint8Array.from(bytes);
}

/** Members of an object that are objects themselves. */
function records(value: unknown): [string, JsonRecord][] {
  if (!isRecord(value)) return [];
  return Object.entries(value).filter((entry): entry is [string, JsonRecord] => isRecord(entry[1]));
}

/** `NamedX`: a map entry. */
function named(name: string, value: Message): Message {
  return new Message().string(1, name).message(2, value);
}

/** Extensions carry their value as YAML; JSON is YAML. */
function addExtensions(message: Message, field: number, source: JsonRecord): Message {
  for (const key of Object.keys(source)) {
    if (key.startsWith('x-')) message.message(field, named(key, new Message().string(2, JSON.stringify(source[key]))));
  }
  return message;
}

function namedSchemas(value: unknown): Message {
  const message = new Message();
  for (const [name, definition] of records(value)) message.message(1, named(name, schema(definition)));
  return message;
}

function schema(source: JsonRecord): Message {
  const { items, additionalProperties, properties, type } = source;
  const message = new Message()
    .string(1, source['$ref'])
    .string(2, source['format'])
    .string(4, source['description'])
    .strings(19, source['required']);
  if (isRecord(additionalProperties)) message.message(21, new Message().message(1, schema(additionalProperties)));
  if (typeof type === 'string') message.message(22, new Message().string(1, type));
  if (isRecord(items)) message.message(23, new Message().message(1, schema(items)));
  if (isRecord(properties)) message.message(25, namedSchemas(properties));
  return addExtensions(message, 31, source);
}

function parameter(source: JsonRecord): Message {
  const isQuery = source['in'] === 'query';
  if (source['in'] === 'body') {
    const body = new Message().string(2, source['name']).string(3, 'body').boolean(4, source['required']);
    if (isRecord(source['schema'])) body.message(5, schema(source['schema']));
    return new Message().message(1, new Message().message(1, body));
  }
  const plain = new Message()
    .boolean(1, source['required'])
    .string(2, source['in'])
    .string(3, source['description'])
    .string(4, source['name'])
    .string(isQuery ? 6 : 5, source['type'])
    .boolean(isQuery ? 20 : 19, source['uniqueItems']);
  return new Message().message(1, new Message().message(2, new Message().message(isQuery ? 3 : 4, plain)));
}

function addParameters(message: Message, field: number, parameters: unknown): Message {
  if (Array.isArray(parameters)) for (const one of parameters) if (isRecord(one)) message.message(field, parameter(one));
  return message;
}

function responses(value: unknown): Message {
  const message = new Message();
  for (const [code, source] of records(value)) {
    const response = new Message().string(1, source['description']);
    if (isRecord(source['schema'])) response.message(2, new Message().message(1, schema(source['schema'])));
    message.message(1, named(code, new Message().message(1, response)));
  }
  return message;
}

function operation(source: JsonRecord): Message {
  const message = new Message().string(5, source['operationId']).strings(6, source['produces']).strings(7, source['consumes']);
  addParameters(message, 8, source['parameters']).message(9, responses(source['responses']));
  return addExtensions(message, 13, source);
}

const methodFields: Readonly<Record<string, number>> = { get: 2, put: 3, post: 4, delete: 5, patch: 8 };

function pathItem(source: JsonRecord): Message {
  const message = new Message();
  for (const [method, field] of Object.entries(methodFields)) {
    const found = source[method];
    if (isRecord(found)) message.message(field, operation(found));
  }
  return addParameters(message, 9, source['parameters']);
}

/** Encodes an OpenAPI v2 document. */
export function encodeOpenApiV2(document: JsonRecord): Uint8Array {
  const info = isRecord(document['info']) ? document['info'] : {};
  const paths = new Message();
  for (const [path, item] of records(document['paths'])) paths.message(2, named(path, pathItem(item)));
  return new Message()
    .string(1, document['swagger'])
    .message(2, new Message().string(1, info['title']).string(2, info['version']))
    .message(8, paths)
    .message(9, namedSchemas(document['definitions']))
    .finish();
}
