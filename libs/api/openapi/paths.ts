/** The paths of a document: which operation each URL has, with the marks that kubectl looks for (action, kind, parameters, patch types). */
import type { KindInfo, Subresource } from '../kinds.js';
import { listTypeName } from '../schema/index.js';
import type { Definitions, Dialect } from './definitions.js';

type Json = Readonly<Record<string, unknown>>;

interface Operation {
  readonly method: 'get' | 'put' | 'post' | 'patch' | 'delete';
  /** As in RBAC verbs, with Kubernetes' spelling for OpenAPI. */
  readonly action: string;
  readonly id: string;
  readonly gvk: Json;
  /** Type of the answer. */
  readonly answer: string;
  /** Type of the body; `Patch` for patches. */
  readonly body?: string;
  readonly parameters: readonly Json[];
}

const patchTypes: readonly string[] = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];

function query(dialect: Dialect, name: string, type: string, description: string): Json {
  const schema = { type, uniqueItems: true };
  return { name, in: 'query', description, ...(dialect === 'v2' ? schema : { schema }) };
}

function inPath(dialect: Dialect, name: string, description: string): Json {
  const schema = { type: 'string', uniqueItems: true };
  return { name, in: 'path', required: true, description, ...(dialect === 'v2' ? schema : { schema }) };
}

interface ParameterSets {
  readonly write: readonly Json[];
  readonly patch: readonly Json[];
  readonly list: readonly Json[];
  readonly remove: readonly Json[];
}

function parameterSets(dialect: Dialect): ParameterSets {
  const q = (name: string, type: string, description: string): Json => query(dialect, name, type, description);
  const dryRun = q('dryRun', 'string', 'Nothing is kept when it is `All`; everything else happens as usual.');
  const manager = q('fieldManager', 'string', 'Name of the client under which changed fields are recorded.');
  const validation = q('fieldValidation', 'string', 'What unknown and duplicate fields do: `Ignore`, `Warn` or `Strict`.');
  const write = [dryRun, manager, validation];
  const list = [
    q('allowWatchBookmarks', 'boolean', 'Whether a watch may carry bookmark events.'),
    q('continue', 'string', 'Token of the page before.'),
    q('fieldSelector', 'string', 'Restricts the answer by fields.'),
    q('labelSelector', 'string', 'Restricts the answer by labels.'),
    q('limit', 'integer', 'Most objects of one page.'),
    q('resourceVersion', 'string', 'The version that the answer must have reached.'),
    q('resourceVersionMatch', 'string', 'How `resourceVersion` applies to a list.'),
    q('sendInitialEvents', 'boolean', 'Whether a watch starts with the current objects.'),
    q('timeoutSeconds', 'integer', 'Bounds the duration of the call.'),
    q('watch', 'boolean', 'Answer with changes as they happen.'),
  ];
  const remove = [
    dryRun,
    q('gracePeriodSeconds', 'integer', 'Seconds before the object is removed.'),
    q('orphanDependents', 'boolean', 'Deprecated: use `propagationPolicy`.'),
    q('propagationPolicy', 'string', 'What happens to dependents: `Orphan`, `Background` or `Foreground`.'),
  ];
  return { write, patch: [...write, q('force', 'boolean', 'Take fields over from other managers (apply only).')], list, remove };
}

function renderOperation(dialect: Dialect, definitions: Definitions, operation: Operation): Json {
  const { body, action, id, gvk, parameters } = operation;
  const answer = definitions.ref(operation.answer);
  const isPatch = body === 'Patch';
  const schema = body === undefined ? undefined : isPatch ? definitions.patchRef() : definitions.ref(body);
  const marks = { operationId: id, 'x-kubernetes-action': action, 'x-kubernetes-group-version-kind': gvk };
  if (dialect === 'v2') {
    const sent = schema === undefined ? [] : [{ name: 'body', in: 'body', required: operation.method !== 'delete', schema }];
    return {
      ...marks,
      consumes: isPatch ? patchTypes : ['*/*'],
      produces: ['application/json', 'application/yaml'],
      parameters: [...sent, ...parameters],
      responses: { 200: { description: 'OK', schema: answer }, 401: { description: 'Unauthorized' } },
    };
  }
  const content = (types: readonly string[], of: Json): Json => Object.fromEntries(types.map((type) => [type, { schema: of }]));
  return {
    ...marks,
    parameters,
    ...(schema === undefined
      ? {}
      : {
          requestBody: {
            content: content(isPatch ? patchTypes : ['*/*'], schema),
            ...(operation.method === 'delete' ? {} : { required: true }),
          },
        }),
    responses: {
      200: { description: 'OK', content: content(['application/json', 'application/yaml'], answer) },
      401: { description: 'Unauthorized' },
    },
  };
}

/** Bodies and answers of subresources that are not of the kind itself. */
const subresourceTypes: Readonly<Partial<Record<Subresource, { readonly type: string; readonly gvk: Json }>>> = {
  scale: { type: 'Scale', gvk: { group: 'autoscaling', kind: 'Scale', version: 'v1' } },
  eviction: { type: 'Eviction', gvk: { group: 'policy', kind: 'Eviction', version: 'v1' } },
  binding: { type: 'Binding', gvk: { group: '', kind: 'Binding', version: 'v1' } },
  token: { type: 'AuthenticationV1TokenRequest', gvk: { group: 'authentication.k8s.io', kind: 'TokenRequest', version: 'v1' } },
};
const createdSubresources: readonly string[] = ['eviction', 'binding', 'token'];
/** Streams: described in prose elsewhere, of no use to a schema reader. */
const streamed: readonly string[] = ['attach', 'exec', 'log', 'portforward', 'proxy'];

/** Renders the paths of kinds into one `paths` object. */
export class PathWriter {
  readonly paths: Record<string, Json> = {};
  private readonly sets: ParameterSets;

  constructor(
    private readonly dialect: Dialect,
    private readonly definitions: Definitions,
  ) {
    this.sets = parameterSets(dialect);
  }

  addKind(kind: KindInfo): void {
    const { schema } = kind;
    if (schema === undefined) return;
    const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
    const base = `${root}/${kind.namespaced ? 'namespaces/{namespace}/' : ''}${kind.resource}`;
    const scope = kind.namespaced ? [inPath(this.dialect, 'namespace', 'The namespace of the objects.')] : [];
    const named = [inPath(this.dialect, 'name', `The name of the ${kind.kind}.`), ...scope];
    this.add(base, scope, this.collection(kind, schema));
    if (kind.namespaced && kind.verbs.includes('list'))
      this.add(`${root}/${kind.resource}`, [], [this.list(kind, schema, 'ForAllNamespaces')]);
    this.add(`${base}/{name}`, named, this.item(kind, schema, ''));
    for (const subresource of kind.subresources.filter((name) => !streamed.includes(name))) {
      this.add(`${base}/{name}/${subresource}`, named, this.subresource(kind, schema, subresource));
    }
  }

  private add(path: string, parameters: readonly Json[], operations: readonly Operation[]): void {
    if (operations.length === 0) return;
    const rendered = operations.map((operation) => [operation.method, renderOperation(this.dialect, this.definitions, operation)]);
    this.paths[path] = { ...Object.fromEntries(rendered), ...(parameters.length === 0 ? {} : { parameters }) };
  }

  private collection(kind: KindInfo, schema: string): Operation[] {
    const operations: Operation[] = [];
    if (kind.verbs.includes('list')) operations.push(this.list(kind, schema, ''));
    if (kind.verbs.includes('create')) {
      operations.push({
        method: 'post',
        action: 'post',
        id: idOf('create', kind),
        gvk: gvkOf(kind),
        answer: schema,
        body: schema,
        parameters: this.sets.write,
      });
    }
    if (kind.verbs.includes('deletecollection')) {
      const parameters = [...this.sets.remove, ...this.sets.list.slice(1, 7)];
      operations.push({
        method: 'delete',
        action: 'deletecollection',
        id: idOf('deleteCollection', kind),
        gvk: gvkOf(kind),
        answer: 'Status',
        body: 'DeleteOptions',
        parameters,
      });
    }
    return operations;
  }

  private list(kind: KindInfo, schema: string, suffix: string): Operation {
    return {
      method: 'get',
      action: 'list',
      id: idOf('list', kind) + suffix,
      gvk: gvkOf(kind),
      answer: listTypeName(schema),
      parameters: this.sets.list,
    };
  }

  private item(kind: KindInfo, schema: string, suffix: string, gvk = gvkOf(kind)): Operation[] {
    const operations: Operation[] = [];
    const common = { gvk, answer: schema };
    if (kind.verbs.includes('get'))
      operations.push({ ...common, method: 'get', action: 'get', id: idOf('read', kind) + suffix, parameters: [] });
    if (kind.verbs.includes('update'))
      operations.push({
        ...common,
        method: 'put',
        action: 'put',
        id: idOf('replace', kind) + suffix,
        body: schema,
        parameters: this.sets.write,
      });
    if (kind.verbs.includes('patch'))
      operations.push({
        ...common,
        method: 'patch',
        action: 'patch',
        id: idOf('patch', kind) + suffix,
        body: 'Patch',
        parameters: this.sets.patch,
      });
    if (kind.verbs.includes('delete') && suffix === '') {
      operations.push({
        gvk,
        answer: 'Status',
        method: 'delete',
        action: 'delete',
        id: idOf('delete', kind),
        body: 'DeleteOptions',
        parameters: this.sets.remove,
      });
    }
    return operations;
  }

  private subresource(kind: KindInfo, schema: string, name: Subresource): Operation[] {
    const own = subresourceTypes[name];
    const suffix = name.charAt(0).toUpperCase() + name.slice(1);
    const type = own?.type ?? schema;
    const gvk = own?.gvk ?? gvkOf(kind);
    if (!createdSubresources.includes(name))
      return this.item(kind, type, suffix, gvk).filter((o) => name !== 'finalize' || o.method === 'put');
    return [
      { method: 'post', action: 'post', id: idOf('create', kind) + suffix, gvk, answer: type, body: type, parameters: this.sets.write },
    ];
  }
}

function gvkOf(kind: KindInfo): Json {
  return { group: kind.group, kind: kind.kind, version: kind.version };
}

/** `createAppsV1NamespacedDeployment`: unique over all documents. */
function idOf(verb: string, kind: KindInfo): string {
  const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
  const group = kind.group === '' ? 'Core' : capital((kind.group.split('.')[0] ?? '').replaceAll('-', ''));
  return `${verb}${group}${capital(kind.version)}${kind.namespaced ? 'Namespaced' : ''}${kind.kind}`;
}
