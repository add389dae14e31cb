/** Defaults of the plain kinds of the core group. */
import { encodeBase64 } from '../../kit/index.js';
import type {
  LimitRange,
  LimitRangeItem,
  LimitRangeSpec,
  Namespace,
  NamespaceStatus,
  Node,
  NodeStatus,
  Secret,
} from '../generated/types.js';
import { each, emptyObject, filler, inOrder } from './filler.js';

export const NAMESPACE_NAME_LABEL = 'kubernetes.io/metadata.name';

/** Every namespace carries its name as a label, so that selectors can pick it. One still to be named by the server does not. */
function labelledByName(namespace: Namespace): Namespace {
  const name = namespace.metadata?.name;
  if (name === undefined || name === '' || namespace.metadata?.labels?.[NAMESPACE_NAME_LABEL] === name) return namespace;
  return { ...namespace, metadata: { ...namespace.metadata, labels: { ...namespace.metadata?.labels, [NAMESPACE_NAME_LABEL]: name } } };
}

export const fillNamespace = inOrder<Namespace>(
  labelledByName,
  filler<Namespace>({ spec: emptyObject, status: emptyObject }, { status: filler<NamespaceStatus>({ phase: 'Active' }) }),
);

/** `stringData` is for writing only: it is encoded, wins over `data`, and is never stored. */
function mergeStringData(secret: Secret): Secret {
  if (secret.stringData === undefined) return secret;
  const { stringData, ...rest } = secret;
  const encoded = Object.fromEntries(Object.entries(stringData ?? {}).map(([key, text]) => [key, encodeBase64(text)]));
  return Object.keys(encoded).length === 0 ? rest : { ...rest, data: { ...secret.data, ...encoded } };
}

export const fillSecret = inOrder<Secret>(mergeStringData, filler<Secret>({ type: 'Opaque' }));

export const fillNode = filler<Node>({}, { status: filler<NodeStatus>({ allocatable: (status) => status.capacity }) });

/** For containers: no default limit means the maximum; no default request means the default limit, else the minimum. */
function fillLimit(item: LimitRangeItem): LimitRangeItem {
  if (item.type !== 'Container') return item;
  const limit = { ...item.max, ...item.default };
  const names = Object.keys({ ...item.min, ...limit });
  const complete = names.every(
    (name) => item.defaultRequest?.[name] !== undefined && (limit[name] === undefined || item.default?.[name] !== undefined),
  );
  if (complete) return item;
  return { ...item, default: limit, defaultRequest: { ...item.min, ...limit, ...item.defaultRequest } };
}

export const fillLimitRange = filler<LimitRange>({}, { spec: filler<LimitRangeSpec>({}, { limits: each(fillLimit) }) });
