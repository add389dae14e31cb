/** Defaults of `networking.k8s.io/v1`. */
import type {
  IngressClass,
  IngressClassParametersReference,
  IngressClassSpec,
  NetworkPolicy,
  NetworkPolicyEgressRule,
  NetworkPolicyIngressRule,
  NetworkPolicyPort,
  NetworkPolicySpec,
} from '../generated/types.js';
import { each, emptyObject, filler } from './filler.js';

const fillPorts = each(filler<NetworkPolicyPort>({ protocol: 'TCP' }));

/** A policy always speaks about ingress; about egress only where it has rules for it. */
export const fillNetworkPolicy = filler<NetworkPolicy>(
  {},
  {
    spec: filler<NetworkPolicySpec>(
      {
        podSelector: emptyObject,
        policyTypes: (spec) => ((spec.egress ?? []).length > 0 ? ['Ingress', 'Egress'] : ['Ingress']),
      },
      {
        ingress: each(filler<NetworkPolicyIngressRule>({}, { ports: fillPorts })),
        egress: each(filler<NetworkPolicyEgressRule>({}, { ports: fillPorts })),
      },
    ),
  },
);

export const fillIngressClass = filler<IngressClass>(
  {},
  { spec: filler<IngressClassSpec>({}, { parameters: filler<IngressClassParametersReference>({ scope: 'Cluster' }) }) },
);
