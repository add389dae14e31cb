/** Defaults of the kinds that extend the API itself: webhooks, admission policies, custom resources, aggregation, flow control. */
import type {
  AdmissionregistrationV1ServiceReference,
  AdmissionregistrationV1WebhookClientConfig,
  ApiextensionsV1ServiceReference,
  ApiextensionsV1WebhookClientConfig,
  ApiregistrationV1ServiceReference,
  APIService,
  APIServiceSpec,
  CustomResourceConversion,
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionSpec,
  ExemptPriorityLevelConfiguration,
  FlowSchema,
  FlowSchemaSpec,
  LimitedPriorityLevelConfiguration,
  LimitResponse,
  MatchResources,
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  MutatingAdmissionPolicyBindingSpec,
  MutatingAdmissionPolicySpec,
  MutatingWebhook,
  MutatingWebhookConfiguration,
  NamedRuleWithOperations,
  PriorityLevelConfiguration,
  PriorityLevelConfigurationSpec,
  QueuingConfiguration,
  RuleWithOperations,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingAdmissionPolicyBindingSpec,
  ValidatingAdmissionPolicySpec,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
  WebhookConversion,
} from '../generated/types.js';
import { each, emptyObject, filler } from './filler.js';

const HTTPS_PORT = 443;

const webhookDefaults = {
  failurePolicy: 'Fail',
  matchPolicy: 'Equivalent',
  namespaceSelector: emptyObject,
  objectSelector: emptyObject,
  timeoutSeconds: 10,
} as const;

const webhookFields = {
  rules: each(filler<RuleWithOperations>({ scope: '*' })),
  clientConfig: filler<AdmissionregistrationV1WebhookClientConfig>(
    {},
    { service: filler<AdmissionregistrationV1ServiceReference>({ port: HTTPS_PORT }) },
  ),
};

export const fillMutatingWebhooks = filler<MutatingWebhookConfiguration>(
  {},
  { webhooks: each(filler<MutatingWebhook>({ ...webhookDefaults, reinvocationPolicy: 'Never' }, webhookFields)) },
);

export const fillValidatingWebhooks = filler<ValidatingWebhookConfiguration>(
  {},
  { webhooks: each(filler<ValidatingWebhook>(webhookDefaults, webhookFields)) },
);

const fillNamedRules = each(filler<NamedRuleWithOperations>({ scope: '*' }));
const fillMatch = filler<MatchResources>(
  { matchPolicy: 'Equivalent', namespaceSelector: emptyObject, objectSelector: emptyObject },
  { resourceRules: fillNamedRules, excludeResourceRules: fillNamedRules },
);

export const fillValidatingPolicy = filler<ValidatingAdmissionPolicy>(
  {},
  { spec: filler<ValidatingAdmissionPolicySpec>({ failurePolicy: 'Fail' }, { matchConstraints: fillMatch }) },
);
export const fillValidatingPolicyBinding = filler<ValidatingAdmissionPolicyBinding>(
  {},
  { spec: filler<ValidatingAdmissionPolicyBindingSpec>({}, { matchResources: fillMatch }) },
);
export const fillMutatingPolicy = filler<MutatingAdmissionPolicy>(
  {},
  { spec: filler<MutatingAdmissionPolicySpec>({ failurePolicy: 'Fail' }, { matchConstraints: fillMatch }) },
);
export const fillMutatingPolicyBinding = filler<MutatingAdmissionPolicyBinding>(
  {},
  { spec: filler<MutatingAdmissionPolicyBindingSpec>({}, { matchResources: fillMatch }) },
);

const fillConversion = filler<CustomResourceConversion>(
  {},
  {
    webhook: filler<WebhookConversion>(
      {},
      {
        clientConfig: filler<ApiextensionsV1WebhookClientConfig>(
          {},
          { service: filler<ApiextensionsV1ServiceReference>({ port: HTTPS_PORT }) },
        ),
      },
    ),
  },
);

export const fillCustomResourceDefinition = filler<CustomResourceDefinition>(
  {},
  {
    spec: filler<CustomResourceDefinitionSpec>(
      { conversion: () => ({ strategy: 'None' }) },
      {
        names: filler<CustomResourceDefinitionNames>({
          singular: (names) => names.kind?.toLowerCase(),
          listKind: (names) => (names.kind === undefined ? undefined : `${names.kind}List`),
        }),
        conversion: fillConversion,
      },
    ),
  },
);

export const fillApiService = filler<APIService>(
  {},
  { spec: filler<APIServiceSpec>({}, { service: filler<ApiregistrationV1ServiceReference>({ port: HTTPS_PORT }) }) },
);

export const fillFlowSchema = filler<FlowSchema>({}, { spec: filler<FlowSchemaSpec>({ matchingPrecedence: 1000 }) });

const fillLimitResponse = filler<LimitResponse>(
  { queuing: (response) => (response.type === 'Queue' ? {} : undefined) },
  { queuing: filler<QueuingConfiguration>({ queues: 64, handSize: 8, queueLengthLimit: 50 }) },
);

export const fillPriorityLevel = filler<PriorityLevelConfiguration>(
  {},
  {
    spec: filler<PriorityLevelConfigurationSpec>(
      { exempt: (spec) => (spec.type === 'Exempt' ? {} : undefined) },
      {
        exempt: filler<ExemptPriorityLevelConfiguration>({ nominalConcurrencyShares: 0, lendablePercent: 0 }),
        limited: filler<LimitedPriorityLevelConfiguration>(
          { nominalConcurrencyShares: 30, lendablePercent: 0 },
          { limitResponse: fillLimitResponse },
        ),
      },
    ),
  },
);
