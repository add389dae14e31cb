/** Rules of what extends or bounds the API: custom resource definitions, webhooks, quotas and limit ranges. */
import type {
  AdmissionregistrationV1WebhookClientConfig,
  CustomResourceDefinition,
  CustomResourceDefinitionSpec,
  LimitRange,
  LimitRangeItem,
  LimitRangeSpec,
  MutatingWebhook,
  MutatingWebhookConfiguration,
  ResourceQuota,
  ResourceQuotaSpec,
  RuleWithOperations,
} from '../../generated/types.js';
import { compareQuantities } from '../../quantity/quantity.js';
import { isDnsSubdomain, isQualifiedName } from '../checks/names.js';
import { between, dns1035Label, dnsSubdomain, immutable, nonNegativeQuantity } from '../checks/values.js';
import type { Place, Rule } from '../place.js';
import { Check, CheckNumber, Each, Nested, NotEmpty, OneOf, Required, UniqueBy, Whole } from '../rule-class.js';
import { LabelSelectorRules } from './meta.js';

const definition: Rule<CustomResourceDefinition> = (object, at) => {
  const spec: Partial<CustomResourceDefinitionSpec> = object.spec ?? {};
  const expected = `${spec.names?.plural ?? ''}.${spec.group ?? ''}`;
  if (object.metadata?.name !== expected) {
    at.down('metadata', 'name').invalid(object.metadata?.name, 'must be spec.names.plural+"."+spec.group');
  }
};

/** All versions are served from one stored form. */
const oneStoredVersion: Rule<CustomResourceDefinitionSpec> = (spec, at) => {
  const versions = spec.versions ?? [];
  const stored = versions.filter(({ storage }) => storage).length;
  if (stored !== 1) at.field('versions').invalid(versions, 'must have exactly one version marked as storage version');
};

class CrdNamesRules {
  @Required()
  @Check(dns1035Label)
  readonly plural?: string;
  @Check(dns1035Label) readonly singular?: string;
  @Required()
  @Check<string>((kind, at) => dns1035Label(kind.toLowerCase(), at))
  readonly kind?: string;
}

class CrdVersionRules {
  @Required()
  @Check(dns1035Label)
  readonly name?: string;
  @Required('schemas are required') readonly schema?: object;
}

@Whole(oneStoredVersion)
class CrdSpecRules {
  @Required()
  @Check<string>((group, at) => {
    at.invalidEach(group, isDnsSubdomain(group));
    if (!group.includes('.')) at.invalid(group, 'should be a domain with at least one dot');
  })
  readonly group?: CustomResourceDefinitionSpec['group'];
  @Required()
  @OneOf('Cluster', 'Namespaced')
  readonly scope?: CustomResourceDefinitionSpec['scope'];
  @Required()
  @Nested(() => CrdNamesRules)
  readonly names?: CustomResourceDefinitionSpec['names'];
  @NotEmpty()
  @Each(() => CrdVersionRules)
  @UniqueBy<{ name: string }>('name')
  readonly versions?: CustomResourceDefinitionSpec['versions'];
}

@Whole(definition)
export class CustomResourceDefinitionRules {
  @Required()
  @Nested(() => CrdSpecRules)
  readonly spec?: CustomResourceDefinition['spec'];
}

export function definitionUpdate(object: CustomResourceDefinition, old: CustomResourceDefinition, at: Place): void {
  immutable(object.spec?.scope, old.spec?.scope, at.down('spec', 'scope'));
  immutable(object.spec?.names?.kind, old.spec?.names?.kind, at.down('spec', 'names', 'kind'));
}

const client: Rule<AdmissionregistrationV1WebhookClientConfig> = ({ url, service }, at) => {
  if ((url === undefined) === (service === undefined)) at.required('exactly one of url or service is required');
  if (url !== undefined && !url.startsWith('https://')) {
    at.field('url').invalid(url.split(':')[0], "'https' is the only allowed URL scheme; desired format: https://host[/path]");
  }
  if (service === undefined) return;
  for (const field of ['name', 'namespace'] as const) {
    if ((service[field] ?? '') === '') at.field('service').field(field).required(`service ${field} is required`);
  }
};

const operations = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];

class WebhookRuleRules {
  @NotEmpty() readonly apiGroups?: RuleWithOperations['apiGroups'];
  @NotEmpty() readonly apiVersions?: RuleWithOperations['apiVersions'];
  @NotEmpty() readonly resources?: RuleWithOperations['resources'];
  @NotEmpty()
  @Check<readonly string[]>((list, at) => {
    for (const [index, operation] of list.entries())
      if (!operations.includes(operation)) at.index(index).unsupported(operation, operations);
  })
  readonly operations?: RuleWithOperations['operations'];
  @OneOf('*', 'Cluster', 'Namespaced') readonly scope?: RuleWithOperations['scope'];
}

/** A name that says whose webhook it is: a domain of three parts. */
const webhookName: Rule<string> = (name, at) => {
  const messages = isDnsSubdomain(name);
  if (messages.length > 0) at.invalid(name, messages.join(','));
  else if (name.split('.').length < 3) at.invalid(name, 'should be a domain with at least three segments separated by dots');
};

class WebhookRules {
  @Required()
  @Check(webhookName)
  readonly name?: MutatingWebhook['name'];
  @Each(() => WebhookRuleRules) readonly rules?: MutatingWebhook['rules'];
  @OneOf('Fail', 'Ignore') readonly failurePolicy?: MutatingWebhook['failurePolicy'];
  @OneOf('Equivalent', 'Exact') readonly matchPolicy?: MutatingWebhook['matchPolicy'];
  @Required('must specify one of None, NoneOnDryRun')
  @OneOf('None', 'NoneOnDryRun')
  readonly sideEffects?: MutatingWebhook['sideEffects'];
  @Check<number>((seconds, at) => {
    if (seconds < 1 || seconds > 30) at.invalid(seconds, 'the timeout value must be between 1 and 30 seconds');
  })
  readonly timeoutSeconds?: MutatingWebhook['timeoutSeconds'];
  @Nested(() => LabelSelectorRules) readonly namespaceSelector?: MutatingWebhook['namespaceSelector'];
  @Nested(() => LabelSelectorRules) readonly objectSelector?: MutatingWebhook['objectSelector'];
  @Required('exactly one of url or service is required')
  @Check(client)
  readonly clientConfig?: MutatingWebhook['clientConfig'];
  @NotEmpty('must specify one of v1, v1beta1') readonly admissionReviewVersions?: MutatingWebhook['admissionReviewVersions'];
  @OneOf('IfNeeded', 'Never') readonly reinvocationPolicy?: MutatingWebhook['reinvocationPolicy'];
}

export class WebhookConfigurationRules {
  @Each(() => WebhookRules)
  @UniqueBy<MutatingWebhook>('name')
  readonly webhooks?: MutatingWebhookConfiguration['webhooks'];
}

const quotaAmounts: Rule<Readonly<Record<string, string>>> = (hard, at) => {
  for (const [name, amount] of Object.entries(hard)) {
    const place = at.key(name);
    place.invalidEach(name, isQualifiedName(name));
    nonNegativeQuantity(amount, place);
  }
};

class QuotaSpecRules {
  @Check(quotaAmounts) readonly hard?: ResourceQuotaSpec['hard'];
}

export class ResourceQuotaRules {
  @Nested(() => QuotaSpecRules) readonly spec?: ResourceQuota['spec'];
}

/** Each bound against the next: min, default request, default limit, max. Errors stand at the smaller one's name. */
const orderedBounds: Rule<LimitRangeItem> = (item, at) => {
  const chain = [
    ['min', item.min],
    ['defaultRequest', item.defaultRequest],
    ['default', item.default],
    ['max', item.max],
  ] as const;
  for (const [index, [field, amounts]] of chain.entries()) {
    for (const [upperField, upper] of chain.slice(index + 1)) {
      for (const [name, amount] of Object.entries(amounts ?? {})) {
        const bound = upper?.[name];
        if (bound === undefined || compareQuantities(amount, bound) <= 0) continue;
        at.field(field).key(name).invalid(amount, `${words[field]} value ${amount} is greater than ${words[upperField]} value ${bound}`);
      }
    }
  }
};

const words = { min: 'min', defaultRequest: 'default request', default: 'default', max: 'max' } as const;

@Whole(orderedBounds)
class LimitRules {
  @Required() readonly type?: LimitRangeItem['type'];
}

class LimitRangeSpecRules {
  @Each(() => LimitRules)
  @UniqueBy<LimitRangeItem>('type')
  readonly limits?: LimitRangeSpec['limits'];
}

export class LimitRangeRules {
  @Nested(() => LimitRangeSpecRules) readonly spec?: LimitRange['spec'];
}

class ApiServiceSpecRules {
  @Required() readonly version?: string;
  @Check(dnsSubdomain) readonly group?: string;
  @CheckNumber(between(1, 20_000)) readonly groupPriorityMinimum?: number;
  @CheckNumber(between(1, 1000)) readonly versionPriority?: number;
}

export class ApiServiceRules {
  @Required()
  @Nested(() => ApiServiceSpecRules)
  readonly spec?: object;
}
