/** Pods from templates, and what makes two templates the same. */
import type { KubeObject, OwnerReference, PodTemplateSpec } from '../../api/index.js';

/** Added to a Deployment's replica sets and pods, so that two versions never share a selector. */
export const POD_TEMPLATE_HASH_LABEL = 'pod-template-hash';

/** The reference that says: `owner` manages this object and waits for it when deleted in the foreground. */
export function controllerReference(owner: KubeObject): OwnerReference {
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.metadata.name ?? '',
    uid: owner.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** The pod that `template` describes, named `name`, controlled by `owner`. */
export function podFromTemplate(template: PodTemplateSpec, owner: KubeObject, name: string): KubeObject {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  const generateName = name.slice(0, name.lastIndexOf('-') + 1);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: owner.metadata.namespace,
      ...(generateName === '' ? {} : { generateName }),
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [controllerReference(owner)],
    },
    spec: template.spec,
  };
}

const canonicalTemplates = new WeakMap<object, string>();

/** One text for templates that mean the same: keys sorted, absent and empty alike, without the hash label. */
export function canonicalTemplate(template: PodTemplateSpec): string {
  const known = canonicalTemplates.get(template);
  if (known !== undefined) return known;
  const { [POD_TEMPLATE_HASH_LABEL]: _, ...labels } = template.metadata?.labels ?? {};
  const text = canonicalJson({ ...template, metadata: { ...template.metadata, labels, creationTimestamp: undefined } });
  canonicalTemplates.set(template, text);
  return text;
}

/** JSON with sorted keys; undefined, null, `{}` and `[]` are left out of objects. */
export function canonicalJson(value: unknown): string {
  return render(value) ?? 'null';
}

function render(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value)) return value.length === 0 ? undefined : `[${value.map((item) => render(item) ?? 'null').join(',')}]`;
  if (typeof value !== 'object') return JSON.stringify(value);
  const fields = Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([key, field]) => {
      const text = render(field);
      return text === undefined ? [] : [`${JSON.stringify(key)}:${text}`];
    });
  return fields.length === 0 ? undefined : `{${fields.join(',')}}`;
}

const SAFE_CHARACTERS = 'bcdfghjklmnpqrstvwxz2456789';

/** FNV-1a of `text`, written in the alphabet of generated names (no vowels: no words). */
export function safeHash(text: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  }
  return Array.from(String(hash), (digit) => SAFE_CHARACTERS.charAt(digit.charCodeAt(0) % SAFE_CHARACTERS.length)).join('');
}
