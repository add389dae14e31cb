/** Turns types into OpenAPI schemas, in the dialects of v2 (`definitions`) and v3 (`components/schemas`). */
import { allKinds } from '../kinds.js';
import { listTypeName, typeOf, type Field, type Shape } from '../schema/index.js';

/** What the generated documentation module holds for one type. */
export interface TypeDocs {
  /** `io.k8s.api.apps.v1.Deployment`. */
  readonly name: string;
  readonly doc: string;
  readonly fields: Readonly<Record<string, string>>;
}
export type Docs = Readonly<Record<string, TypeDocs>>;
export type Dialect = 'v2' | 'v3';
type Json = Readonly<Record<string, unknown>>;

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const quantityName = 'io.k8s.apimachinery.pkg.api.resource.Quantity';
const intOrStringName = 'io.k8s.apimachinery.pkg.util.intstr.IntOrString';

/** Types that are scalars in JSON but have a name of their own. */
const namedScalars: Readonly<Record<string, (dialect: Dialect) => Json>> = {
  [quantityName]: (dialect) => ({
    description: 'Quantity is an amount in fixed-point notation with an optional suffix, such as `500m`, `2` or `1Gi`.',
    ...(dialect === 'v2' ? { type: 'string' } : { oneOf: [{ type: 'string' }, { type: 'number' }] }),
  }),
  [intOrStringName]: (dialect) => ({
    description: 'IntOrString is a number or a text, such as a port number or name, or a count or percentage.',
    format: 'int-or-string',
    ...(dialect === 'v2' ? { type: 'string' } : { oneOf: [{ type: 'integer' }, { type: 'string' }] }),
  }),
  [`${META}.Time`]: () => ({
    description: 'Time is a moment in RFC 3339 notation, in whole seconds.',
    type: 'string',
    format: 'date-time',
  }),
  [`${META}.MicroTime`]: () => ({
    description: 'MicroTime is a moment in RFC 3339 notation, in microseconds.',
    type: 'string',
    format: 'date-time',
  }),
  [`${META}.FieldsV1`]: () => ({ description: 'FieldsV1 is a set of field paths: who applied or updated what.', type: 'object' }),
  [`${META}.Patch`]: () => ({ description: 'Patch is a change in one of the patch formats.', type: 'object' }),
};

/** Pointer prefix of references. */
export function refPrefix(dialect: Dialect): string {
  return dialect === 'v2' ? '#/definitions/' : '#/components/schemas/';
}

/** `Type -> [{ group, version, kind }]` for kinds and their lists, and the options that every group accepts. */
function groupVersionKinds(): ReadonlyMap<string, readonly Json[]> {
  const found = new Map<string, Json[]>();
  const add = (type: string, gvk: Json): void => void found.set(type, [...(found.get(type) ?? []), gvk]);
  for (const { schema, group, version, kind, verbs } of allKinds()) {
    if (schema === undefined) continue;
    add(schema, { group, kind, version });
    if (verbs.includes('list')) add(listTypeName(schema), { group, kind: `${kind}List`, version });
  }
  for (const version of new Set(allKinds().map((kind) => `${kind.group}/${kind.version}`))) {
    const [group, name] = version.split('/');
    add('DeleteOptions', { group, kind: 'DeleteOptions', version: name });
    add('WatchEvent', { group, kind: 'WatchEvent', version: name });
  }
  add('Status', { group: '', kind: 'Status', version: 'v1' });
  add('Scale', { group: 'autoscaling', kind: 'Scale', version: 'v1' });
  add('Eviction', { group: 'policy', kind: 'Eviction', version: 'v1' });
  add('AuthenticationV1TokenRequest', { group: 'authentication.k8s.io', kind: 'TokenRequest', version: 'v1' });
  return found;
}

/** Builds definitions of the types that are asked for, and of all that they lead to. */
export class Definitions {
  private readonly built = new Map<string, Json>();
  private readonly queue: string[] = [];
  private readonly gvks = groupVersionKinds();

  constructor(
    private readonly dialect: Dialect,
    private readonly docs: Docs,
  ) {}

  /** A reference to a type; its definition will be part of the document. */
  ref(type: string): Json {
    this.queue.push(type);
    return { $ref: refPrefix(this.dialect) + (this.docs[type]?.name ?? type) };
  }

  /** A reference to a named scalar such as `Patch`. */
  namedRef(name: string): Json {
    const build = namedScalars[name];
    if (build !== undefined) this.built.set(name, build(this.dialect));
    return { $ref: refPrefix(this.dialect) + name };
  }

  patchRef(): Json {
    return this.namedRef(`${META}.Patch`);
  }

  /** All definitions, by name, in order. */
  finish(): Json {
    const done = new Set<string>();
    for (let type = this.queue.pop(); type !== undefined; type = this.queue.pop()) {
      if (done.has(type)) continue;
      done.add(type);
      this.built.set(this.docs[type]?.name ?? type, this.definition(type));
    }
    return Object.fromEntries([...this.built].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  private definition(name: string): Json {
    const type = typeOf(name);
    const docs = this.docs[name];
    const gvks = this.gvks.get(name);
    const required = [...type.fields.values()].filter((field) => field.required).map((field) => field.name);
    const properties = [...type.fields.values()].map((field) => [field.name, this.property(name, field, docs?.fields[field.name] ?? '')]);
    return {
      ...(docs === undefined || docs.doc === '' ? {} : { description: docs.doc }),
      type: 'object',
      ...(required.length === 0 ? {} : { required }),
      ...(properties.length === 0 ? {} : { properties: Object.fromEntries(properties) }),
      ...(gvks === undefined ? {} : { 'x-kubernetes-group-version-kind': gvks }),
      ...(type.atomic ? { 'x-kubernetes-map-type': 'atomic' } : {}),
    };
  }

  private property(owner: string, field: Field, description: string): Json {
    const schema = this.described(this.shape(field.shape, `${owner}.${field.name}`), description);
    return { ...schema, ...listExtensions(field), ...patchExtensions(field) };
  }

  /** v3 forbids neighbours of `$ref`, so a described reference is wrapped. */
  private described(schema: Json, description: string): Json {
    const words = description === '' ? {} : { description };
    if (this.dialect === 'v3' && '$ref' in schema) return { ...words, allOf: [schema] };
    return { ...words, ...schema };
  }

  private shape(shape: Shape, owner: string): Json {
    switch (shape.kind) {
      case 'object':
        return this.ref(shape.type);
      case 'list':
        return { type: 'array', items: this.shape(shape.items, owner) };
      case 'map':
        return { type: 'object', additionalProperties: this.shape(shape.values, owner) };
      case 'any':
        return this.freeForm(owner);
      default:
        return this.scalar(shape.kind);
    }
  }

  private freeForm(owner: string): Json {
    if (owner === 'ManagedFieldsEntry.fieldsV1') return this.namedRef(`${META}.FieldsV1`);
    return owner.startsWith('JSONSchemaProps.') ? {} : { type: 'object' };
  }

  private scalar(kind: Exclude<Shape['kind'], 'object' | 'list' | 'map' | 'any'>): Json {
    switch (kind) {
      case 'string':
      case 'boolean':
        return { type: kind };
      case 'int32':
      case 'int64':
        return { type: 'integer', format: kind };
      case 'double':
        return { type: 'number', format: kind };
      case 'bytes':
        return { type: 'string', format: 'byte' };
      case 'quantity':
      case 'resource-amount':
        return this.namedRef(quantityName);
      case 'int-or-string':
        return this.namedRef(intOrStringName);
      case 'time':
        return this.namedRef(`${META}.Time`);
      case 'micro-time':
        return this.namedRef(`${META}.MicroTime`);
    }
  }
}

function listExtensions(field: Field): Json {
  if (field.shape.kind === 'map') return field.ownership === 'atomic' ? { 'x-kubernetes-map-type': 'atomic' } : {};
  if (field.shape.kind !== 'list') return {};
  return {
    ...(field.keys.length === 0 ? {} : { 'x-kubernetes-list-map-keys': field.keys }),
    'x-kubernetes-list-type': field.ownership,
  };
}

function patchExtensions(field: Field): Json {
  const strategies = [field.patchKey === undefined ? undefined : 'merge', field.patchStrategy].filter((s) => s !== undefined);
  return {
    ...(field.patchKey === undefined || field.patchKey === '' ? {} : { 'x-kubernetes-patch-merge-key': field.patchKey }),
    ...(strategies.length === 0 ? {} : { 'x-kubernetes-patch-strategy': strategies.join(',') }),
  };
}
