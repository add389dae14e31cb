/** Services and EndpointSlices -> what cluster DNS answers from. */
import type { EndpointSlice, Service } from '../api/index.js';
import type { DnsEndpoint, DnsService, DnsView } from './dns-view.js';
import { isHeadless, isReady, slicesByService, toProtocol } from './endpoints.js';
import { parseIpv4 } from './ipv4.js';

/** Deterministic: endpoints are sorted, the order of the inputs does not matter. */
export function compileDns(
  services: Iterable<Service>,
  endpointSlices: Iterable<EndpointSlice>,
  options: { readonly domain: string },
): DnsView {
  const slices = slicesByService(endpointSlices);
  const domain = options.domain.toLowerCase();
  const compiled = new Map<string, DnsService>();
  const namespaces = new Set<string>();
  const reverse = new Map<string, string[]>();
  for (const service of services) {
    const { name = '', namespace = '' } = service.metadata ?? {};
    const dns = compileService(service, slices.get(`${namespace}/${name}`) ?? []);
    if (dns === undefined) continue;
    compiled.set(`${name}.${namespace}`, dns);
    namespaces.add(namespace);
    const fullName = `${name}.${namespace}.svc.${domain}`;
    for (const address of dns.clusterIps) note(reverse, address, fullName);
    for (const endpoint of dns.headless) note(reverse, endpoint.address, `${endpointLabel(endpoint)}.${fullName}`);
  }
  for (const names of reverse.values()) names.sort((a, b) => (a < b ? -1 : 1));
  return { domain, services: compiled, namespaces, reverse };
}

/** The endpoint's own label below its headless Service: its host name, else its address with dashes. */
export function endpointLabel(endpoint: DnsEndpoint): string {
  return endpoint.hostname ?? endpoint.address.replaceAll('.', '-');
}

function compileService(service: Service, slices: readonly EndpointSlice[]): DnsService | undefined {
  const spec = service.spec;
  if (spec === undefined) return undefined;
  const ports = (spec.ports ?? []).map((port) => ({ name: port.name ?? '', protocol: toProtocol(port.protocol), port: port.port }));
  const none = { clusterIps: [], headless: [], ports };
  if (spec.type === 'ExternalName') return { ...none, externalName: (spec.externalName ?? '').replace(/\.$/, '').toLowerCase() };
  if (!isHeadless(spec.clusterIP)) {
    const addresses = spec.clusterIPs ?? [spec.clusterIP ?? ''];
    return { ...none, clusterIps: addresses.filter((address) => parseIpv4(address) !== undefined) };
  }
  // No address yet: the API server has not finished with it. `None` is the wish for no address.
  if (spec.clusterIP !== 'None') return undefined;
  return { ...none, headless: endpointsOf(slices, spec.publishNotReadyAddresses === true) };
}

function endpointsOf(slices: readonly EndpointSlice[], withNotReady: boolean): readonly DnsEndpoint[] {
  const found = new Map<string, DnsEndpoint>();
  for (const slice of slices) {
    const ports = (slice.ports ?? []).flatMap(({ name = '', protocol, port }) =>
      port === undefined ? [] : [{ name, protocol: toProtocol(protocol), port }],
    );
    for (const endpoint of slice.endpoints ?? []) {
      const address = endpoint.addresses[0];
      if (address === undefined || !(withNotReady || isReady(endpoint))) continue;
      const known = found.get(address);
      const hostname = endpoint.hostname === undefined || endpoint.hostname === '' ? known?.hostname : endpoint.hostname.toLowerCase();
      found.set(address, { address, hostname, ports: [...(known?.ports ?? []), ...ports] });
    }
  }
  return [...found.values()].sort((a, b) => (a.address < b.address ? -1 : 1));
}

function note(map: Map<string, string[]>, address: string, name: string): void {
  const names = map.get(address);
  if (names === undefined) map.set(address, [name]);
  else if (!names.includes(name)) names.push(name);
}
