/** Tables of Services and of what stands behind and before them. */
import type {
  CoreV1EndpointPort,
  Endpoints,
  EndpointSlice,
  EndpointSubset,
  Ingress,
  IngressClass,
  NetworkPolicy,
  Service,
} from '../generated/types.js';
import {
  age,
  ageColumn,
  firstFew,
  formatLabels,
  formatSelector,
  nameColumn,
  nameOf,
  orNone,
  printer,
  selectorColumn,
  text,
} from './printer.js';

const SHOWN_MAX = 3;

function joined(list: readonly string[]): string {
  return orNone(list.join(','));
}

/** Where the Service is reached from outside; `<pending>` until a load balancer has an address. */
function externalIp(service: Service): string {
  const given = service.spec?.externalIPs ?? [];
  const type = service.spec?.type;
  if (type === 'ExternalName') return service.spec?.externalName ?? '';
  if (type !== 'LoadBalancer') return joined(given);
  const ingress = (service.status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname ?? '');
  const all = [...ingress, ...given];
  return all.length === 0 ? '<pending>' : all.join(',');
}

/** `80/TCP,443:30443/TCP`. */
function portsOf(service: Service): string {
  const ports = (service.spec?.ports ?? []).map(({ port, nodePort, protocol = 'TCP' }) =>
    (nodePort ?? 0) > 0 ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`,
  );
  return joined(ports);
}

export const servicePrinter = printer<Service>({
  columns: [
    nameColumn,
    text('Type', 'How the Service is exposed.'),
    text('Cluster-IP', 'Its address within the cluster.'),
    text('External-IP', 'Its addresses outside of the cluster.'),
    text('Port(s)', 'Its ports, with those of the nodes behind the colon.'),
    ageColumn,
    selectorColumn,
  ],
  cells: (service, now) => [
    nameOf(service),
    service.spec?.type ?? '',
    orNone(service.spec?.clusterIPs?.[0] ?? service.spec?.clusterIP),
    externalIp(service),
    portsOf(service),
    age(service, now),
    formatLabels(service.spec?.selector),
  ],
});

function hostPort(ip: string | undefined, port: CoreV1EndpointPort): string {
  if (ip === undefined) return '';
  return ip.includes(':') ? `[${ip}]:${port.port}` : `${ip}:${port.port}`;
}

function addressesOf({ addresses = [], ports = [] }: EndpointSubset): readonly string[] {
  if (ports.length === 0) return addresses.map(({ ip }) => ip);
  return ports.flatMap((port) => addresses.map(({ ip }) => hostPort(ip, port)));
}

export const endpointsPrinter = printer<Endpoints>({
  columns: [nameColumn, text('Endpoints', 'Addresses and ports of those who answer.'), ageColumn],
  cells: (endpoints, now) => [
    nameOf(endpoints),
    orNone(firstFew((endpoints.subsets ?? []).flatMap(addressesOf), SHOWN_MAX)),
    age(endpoints, now),
  ],
});

function orUnset(value: string): string {
  return value === '' ? '<unset>' : value;
}

export const endpointSlicePrinter = printer<EndpointSlice>({
  columns: [
    nameColumn,
    text('AddressType', 'Form of the addresses.'),
    text('Ports', 'Ports of every endpoint.'),
    text('Endpoints', 'Addresses of those who answer.'),
    ageColumn,
  ],
  cells: (slice, now) => [
    nameOf(slice),
    slice.addressType ?? '',
    orUnset(
      firstFew(
        (slice.ports ?? []).map(({ port, name = '' }) => (port === undefined ? orStar(name) : `${port}`)),
        SHOWN_MAX,
      ),
    ),
    orUnset(
      firstFew(
        (slice.endpoints ?? []).flatMap(({ addresses }) => (addresses ?? []).slice(0, 1)),
        SHOWN_MAX,
      ),
    ),
    age(slice, now),
  ],
});

function orStar(name: string): string {
  return name === '' ? '*' : name;
}

export const ingressPrinter = printer<Ingress>({
  columns: [
    nameColumn,
    text('Class', 'The name of the IngressClass resource that should be used for additional configuration'),
    text('Hosts', 'Hosts that incoming requests are matched against before the ingress rule'),
    text('Address', 'Address is a list containing ingress points for the load-balancer'),
    text('Ports', 'Ports of TLS configurations that open'),
    ageColumn,
  ],
  cells: (ingress, now) => {
    const hosts = (ingress.spec?.rules ?? []).map(({ host = '' }) => host).filter((host) => host !== '');
    const addresses = (ingress.status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname ?? '');
    return [
      nameOf(ingress),
      orNone(ingress.spec?.ingressClassName),
      hosts.length === 0 ? '*' : firstFew(hosts, SHOWN_MAX),
      addresses.join(','),
      (ingress.spec?.tls ?? []).length > 0 ? '80, 443' : '80',
      age(ingress, now),
    ];
  },
});

export const ingressClassPrinter = printer<IngressClass>({
  columns: [
    nameColumn,
    text('Controller', 'Controller that is responsible for handling this class'),
    text('Parameters', 'A reference to a resource with additional parameters'),
    ageColumn,
  ],
  cells: (object, now) => {
    const parameters = object.spec?.parameters;
    const group = (parameters?.apiGroup ?? '') === '' ? '' : `.${parameters?.apiGroup}`;
    const shown = parameters === undefined ? '<none>' : `${parameters.kind}${group}/${parameters.name}`;
    return [nameOf(object), object.spec?.controller ?? '', shown, age(object, now)];
  },
});

export const networkPolicyPrinter = printer<NetworkPolicy>({
  columns: [nameColumn, text('Pod-Selector', 'Pods that the policy speaks about.'), ageColumn],
  cells: (policy, now) => [nameOf(policy), formatSelector(policy.spec?.podSelector), age(policy, now)],
});
