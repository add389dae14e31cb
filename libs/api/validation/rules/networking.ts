/** Rules of `networking.k8s.io/v1`. */
import type {
  HTTPIngressPath,
  Ingress,
  IngressBackend,
  IngressClass,
  IngressRule,
  IngressSpec,
  IPBlock,
  NetworkPolicy,
  NetworkPolicyEgressRule,
  NetworkPolicyIngressRule,
  NetworkPolicyPeer,
  NetworkPolicyPort,
  NetworkPolicySpec,
} from '../../generated/types.js';
import { ipFamily } from '../checks/addresses.js';
import { isDnsSubdomain, isWildcardSubdomain } from '../checks/names.js';
import { cidr, dns1035Label, immutable, portName, portNumber, portNumberOrName } from '../checks/values.js';
import type { Place, Rule } from '../place.js';
import { Check, Each, EachValue, Nested, OneOf, Required, Whole } from '../rule-class.js';
import { LabelSelectorRules } from './meta.js';

const portRange: Rule<NetworkPolicyPort> = ({ port, endPort }, at) => {
  if (endPort === undefined) return;
  const place = at.field('endPort');
  if (port === undefined) place.required('may not be specified when `port` is not specified');
  else if (typeof port === 'string') place.required('may not be specified when `port` is non-numeric');
  else if (endPort < port) place.invalid(endPort, 'must be greater than or equal to `port`');
};

@Whole(portRange)
class PolicyPortRules {
  @OneOf('TCP', 'UDP', 'SCTP') readonly protocol?: NetworkPolicyPort['protocol'];
  @Check(portNumberOrName) readonly port?: NetworkPolicyPort['port'];
  @Check(portNumber) readonly endPort?: NetworkPolicyPort['endPort'];
}

class IpBlockRules {
  @Required()
  @Check(cidr)
  readonly cidr?: IPBlock['cidr'];
  @EachValue(cidr) readonly except?: IPBlock['except'];
}

/** A block of addresses, or pods by labels; not both. */
const peer: Rule<NetworkPolicyPeer> = ({ ipBlock, podSelector, namespaceSelector }, at) => {
  const selectors = [podSelector, namespaceSelector].some((selector) => selector !== undefined);
  if (ipBlock === undefined && !selectors) at.required('must specify a peer');
  else if (ipBlock !== undefined && selectors) at.forbidden('may not specify both ipBlock and another peer');
};

@Whole(peer)
class PeerRules {
  @Nested(() => LabelSelectorRules) readonly podSelector?: NetworkPolicyPeer['podSelector'];
  @Nested(() => LabelSelectorRules) readonly namespaceSelector?: NetworkPolicyPeer['namespaceSelector'];
  @Nested(() => IpBlockRules) readonly ipBlock?: NetworkPolicyPeer['ipBlock'];
}

class IngressRuleRules {
  @Each(() => PolicyPortRules) readonly ports?: NetworkPolicyIngressRule['ports'];
  @Each(() => PeerRules) readonly from?: NetworkPolicyIngressRule['from'];
}

class EgressRuleRules {
  @Each(() => PolicyPortRules) readonly ports?: NetworkPolicyEgressRule['ports'];
  @Each(() => PeerRules) readonly to?: NetworkPolicyEgressRule['to'];
}

class NetworkPolicySpecRules {
  @Nested(() => LabelSelectorRules) readonly podSelector?: NetworkPolicySpec['podSelector'];
  @Each(() => IngressRuleRules) readonly ingress?: NetworkPolicySpec['ingress'];
  @Each(() => EgressRuleRules) readonly egress?: NetworkPolicySpec['egress'];
  @Check<readonly string[]>((types, at) => {
    if (types.length > 2) at.invalid(types, 'may not specify more than two policyTypes');
    for (const [index, type] of types.entries()) {
      if (type !== 'Ingress' && type !== 'Egress') at.index(index).unsupported(type, ['Egress', 'Ingress']);
    }
  })
  readonly policyTypes?: NetworkPolicySpec['policyTypes'];
}

export class NetworkPolicyRules {
  @Required()
  @Nested(() => NetworkPolicySpecRules)
  readonly spec?: NetworkPolicy['spec'];
}

const pathTypes = ['Exact', 'ImplementationSpecific', 'Prefix'];
const forbiddenParts = ['//', '/./', '/../', '%2f', '%2F'];

const ingressPath: Rule<Partial<HTTPIngressPath>> = ({ pathType = '', path = '' }, at) => {
  const place = at.field('path');
  if (pathType === '') at.field('pathType').required('pathType must be specified');
  else if (!pathTypes.includes(pathType)) at.field('pathType').unsupported(pathType, pathTypes);
  else if (pathType === 'ImplementationSpecific') {
    if (path !== '' && !path.startsWith('/')) place.invalid(path, 'must be an absolute path');
  } else if (!path.startsWith('/')) place.invalid(path, 'must be an absolute path');
  else {
    for (const part of forbiddenParts) if (path.includes(part)) place.invalid(path, `must not contain '${part}'`);
    for (const end of ['/..', '/.']) if (path.endsWith(end)) place.invalid(path, `cannot end with '${end}'`);
  }
};

const backend: Rule<IngressBackend> = ({ service, resource }, at) => {
  if (service !== undefined && resource !== undefined) at.invalid('', 'cannot set both resource and service backends');
  else if (service === undefined && resource === undefined) at.required('resource or service backend is required');
  if (service === undefined) return;
  const place = at.field('service');
  if ((service.name ?? '') === '') place.field('name').required();
  else dns1035Label(service.name, place.field('name'));
  const { name = '', number = 0 } = service.port ?? {};
  if (name !== '' && number !== 0) place.invalid('', 'cannot set both port name & port number');
  else if (name !== '') portName(name, place.field('port').field('name'));
  else if (number !== 0) portNumber(number, place.field('port').field('number'));
  else place.required('port name or number is required');
};

@Whole(backend)
class BackendRules {
  readonly service?: IngressBackend['service'];
}

@Whole<HTTPIngressPath>(ingressPath)
class PathRules {
  @Required()
  @Nested(() => BackendRules)
  readonly backend?: HTTPIngressPath['backend'];
}

class HttpRules {
  @Each(() => PathRules) readonly paths?: readonly HTTPIngressPath[];
}

const host: Rule<string> = (text, at) => {
  if (ipFamily(text) !== undefined) at.invalid(text, 'must be a DNS name, not an IP address');
  at.invalidEach(text, text.includes('*') ? isWildcardSubdomain(text) : isDnsSubdomain(text));
};

class IngressHostRules {
  @Check(host) readonly host?: IngressRule['host'];
  @Nested(() => HttpRules) readonly http?: IngressRule['http'];
}

const someBackend: Rule<IngressSpec> = (spec, at) => {
  if ((spec.rules ?? []).length === 0 && spec.defaultBackend === undefined) {
    at.invalid(spec.rules ?? [], 'either `defaultBackend` or `rules` must be specified');
  }
};

@Whole(someBackend)
class IngressSpecRules {
  @Each(() => IngressHostRules) readonly rules?: IngressSpec['rules'];
  @Nested(() => BackendRules) readonly defaultBackend?: IngressSpec['defaultBackend'];
}

export class IngressRules {
  @Required()
  @Nested(() => IngressSpecRules)
  readonly spec?: Ingress['spec'];
}

class IngressClassSpecRules {
  @Required()
  @Check<string>((name, at) => {
    if (!name.includes('/')) at.invalid(name, 'must be a domain-prefixed path (such as "acme.io/foo")');
  })
  readonly controller?: string;
}

export class IngressClassRules {
  @Required()
  @Nested(() => IngressClassSpecRules)
  readonly spec?: IngressClass['spec'];
}

export function ingressClassUpdate(object: IngressClass, old: IngressClass, at: Place): void {
  immutable(object.spec?.controller, old.spec?.controller, at.down('spec', 'controller'));
}
