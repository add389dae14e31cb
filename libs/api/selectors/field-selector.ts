/** Field selectors of queries (`spec.nodeName=n1,status.phase!=Running`): which fields each kind supports, and matching. */
import { StatusError } from '../errors.js';
import type { GroupResource, KubeObject } from '../object.js';
import { qualifiedResource } from '../kinds.js';

export interface FieldRequirement {
  readonly field: string;
  readonly value: string;
  /** False for `!=`. */
  readonly equal: boolean;
}

/** Where a selectable field stands in the stored object; the first path that holds something counts. */
type Paths = readonly string[];

function fields(...names: readonly string[]): Record<string, Paths> {
  return Object.fromEntries(['metadata.name', 'metadata.namespace', ...names].map((name) => [name, [name]]));
}

const referenceParts: readonly string[] = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'];

/** Kinds with fields of their own (Kubernetes docs, "Field selectors"); all others have name and namespace only. Events are read in their core form. */
const supported: Readonly<Record<string, Readonly<Record<string, Paths>>>> = {
  pods: {
    ...fields(
      'spec.nodeName',
      'spec.restartPolicy',
      'spec.schedulerName',
      'spec.serviceAccountName',
      'spec.hostNetwork',
      'status.phase',
      'status.podIP',
      'status.nominatedNodeName',
    ),
    'status.podIPs': ['status.podIP'],
  },
  nodes: fields('spec.unschedulable'),
  namespaces: fields('status.phase'),
  secrets: fields('type'),
  services: fields('spec.clusterIP', 'spec.type'),
  replicationcontrollers: fields('status.replicas'),
  'replicasets.apps': fields('status.replicas'),
  'jobs.batch': { ...fields(), 'status.successful': ['status.succeeded'] },
  'certificatesigningrequests.certificates.k8s.io': fields('spec.signerName'),
  'resourceslices.resource.k8s.io': fields('spec.nodeName', 'spec.driver'),
  events: {
    ...fields('reason', 'type', 'reportingComponent', ...referenceParts.map((part) => `involvedObject.${part}`)),
    source: ['source.component', 'reportingComponent'],
  },
  'events.events.k8s.io': {
    ...fields('reason', 'type'),
    reportingController: ['reportingComponent'],
    ...Object.fromEntries(referenceParts.map((part) => [`regarding.${part}`, [`involvedObject.${part}`]])),
  },
};
const metadataOnly = fields();

/** Values that an absent field stands for; otherwise an absent field is the empty text. */
const absentValues: Readonly<Record<string, string>> = {
  'spec.hostNetwork': 'false',
  'spec.unschedulable': 'false',
  'status.replicas': '0',
  'status.succeeded': '0',
};

/** The fields by which a resource can be selected. */
export function selectableFields(resource: GroupResource): readonly string[] {
  return Object.keys(supported[qualifiedResource(resource)] ?? metadataOnly);
}

/** Parses the `fieldSelector` of a query. Throws StatusError (BadRequest) for bad syntax and for fields that the kind does not support. */
export function parseFieldSelector(resource: GroupResource, text: string): readonly FieldRequirement[] {
  const own = supported[qualifiedResource(resource)];
  return splitTerms(text).map((term) => {
    const requirement = parseTerm(text, term);
    if (!Object.hasOwn(own ?? metadataOnly, requirement.field)) throw unsupported(requirement.field, own !== undefined);
    return requirement;
  });
}

function unsupported(field: string, kindHasOwnFields: boolean): StatusError {
  return new StatusError(
    'BadRequest',
    kindHasOwnFields
      ? `field label not supported: ${field}`
      : `"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`,
  );
}

/** Splits at commas; a backslash keeps the next character (`\,`, `\=`, `\\`). Empty terms are skipped. */
function splitTerms(text: string): string[] {
  return (text.match(/(?:\\.|[^,\\]|\\$)+/gs) ?? []).filter((term) => term !== '');
}

function parseTerm(whole: string, term: string): FieldRequirement {
  const match = /^((?:\\.|[^\\=!])*)(==|!=|=)(.*)$/s.exec(term);
  if (match === null) throw new StatusError('BadRequest', `invalid selector: '${whole}'; can't understand '${term}'`);
  return { field: match[1] ?? '', equal: match[2] !== '!=', value: unescape(match[3] ?? '') };
}

function unescape(value: string): string {
  if (/(?:^|[^\\])(?:\\\\)*\\(?![\\,=])/s.test(value))
    throw new StatusError('BadRequest', `invalid field selector: invalid escape sequence in '${value}'`);
  return value.replace(/\\([\\,=])/g, '$1');
}

/** Whether an object in its stored form satisfies every requirement. */
export function matchesFields(resource: GroupResource, requirements: readonly FieldRequirement[], object: KubeObject): boolean {
  const own = supported[qualifiedResource(resource)] ?? metadataOnly;
  return requirements.every(({ field, value, equal }) => (fieldText(object, own[field] ?? [field]) === value) === equal);
}

function fieldText(object: KubeObject, paths: Paths): string {
  for (const path of paths) {
    const found = valueAt(object, path.split('.'));
    if (found !== undefined && found !== null && found !== '') return String(found);
  }
  return absentValues[paths[0] ?? ''] ?? '';
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  let at = value;
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined;
    at = (at as Readonly<Record<string, unknown>>)[step];
  }
  return at;
}

/** The value that the selector fixes a field to (`spec.nodeName=n1` -> `n1`), for lookups by index; `undefined` where it does not. */
export function requiredFieldValue(requirements: readonly FieldRequirement[], field: string): string | undefined {
  return requirements.find((requirement) => requirement.equal && requirement.field === field)?.value;
}
