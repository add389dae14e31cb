/** The admission chain: every rule that looks at a write between authorization and validation, in order. */
import type { KubeObject } from '../../api/index.js';
import type { ApiContext, Operation } from '../registry/context.js';
import { approval, requestIdentity } from './certificates.js';
import { bindingEscalation, roleEscalation } from './escalation.js';
import { namespaceLifecycle, protectSystemNamespaces } from './namespace.js';
import { podPriority } from './priority.js';
import { quota } from './quota.js';
import { limitRanges } from './limit-range.js';
import { serviceAccount } from './service-account.js';
import { serviceAllocation } from './service.js';
import { defaultStorageClass, storageProtection } from './storage.js';
import { defaultTolerations } from './tolerations.js';

export interface AdmissionAttributes {
  readonly action: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly object: KubeObject | undefined;
  readonly old: KubeObject | undefined;
}

/** One rule. Returns the object to go on with (the given one where it has nothing to say), or throws StatusError. */
export interface AdmissionRule {
  readonly name: string;
  /** `group/resource` names that it looks at; all where absent. */
  readonly resources?: readonly string[];
  readonly actions: readonly AdmissionAttributes['action'][];
  /** Subresource writes reach only the rules that name them; '' is the object itself. */
  readonly subresources?: readonly string[];
  admit(context: ApiContext, operation: Operation, attributes: AdmissionAttributes): KubeObject | undefined;
}

/** Mutating rules first, then those that only refuse: a refusal must see what would be stored. */
const chain: readonly AdmissionRule[] = [
  namespaceLifecycle, // nothing below needs to look at objects of a namespace that is gone
  protectSystemNamespaces,
  serviceAccount, // adds the token volume, before anything counts or limits containers
  podPriority,
  defaultTolerations,
  serviceAllocation, // fills cluster IPs and node ports
  defaultStorageClass,
  storageProtection,
  requestIdentity,
  approval,
  roleEscalation,
  bindingEscalation,
  limitRanges, // fills requests and limits, which quota counts
  quota, // last: it charges
];

export function admit(context: ApiContext, operation: Operation, attributes: AdmissionAttributes): KubeObject {
  let object = attributes.object;
  for (const rule of chain) {
    if (!appliesTo(rule, operation, attributes)) continue;
    object = rule.admit(context, operation, { ...attributes, object });
  }
  return object ?? attributes.old ?? fail();
}

function appliesTo(rule: AdmissionRule, operation: Operation, attributes: AdmissionAttributes): boolean {
  if (!rule.actions.includes(attributes.action)) return false;
  if (!(rule.subresources ?? ['']).includes(operation.subresource ?? '')) return false;
  return rule.resources === undefined || rule.resources.includes(`${operation.kind.group}/${operation.kind.resource}`);
}

function fail(): never {
  throw new Error('admission was asked about no object at all');
}
