/** berth describe service. */
import type { EndpointSlice, Service } from '../../../libs/api/index.js';
import type { EventJson } from '../client/events.js';
import { Indented } from '../output/indented.js';
import { annotationLines, describeEvents, mapLines, mapText } from './parts.js';

export interface ServiceFacts {
  readonly service: Service;
  readonly slices: readonly EndpointSlice[];
  readonly events: readonly EventJson[];
}

const ADDRESSES_SHOWN_MAX = 3;

export function describeService({ service, slices, events }: ServiceFacts): string {
  const out = new Indented();
  const { metadata, spec, status } = service;
  out.field(0, 'Name', metadata?.name ?? '');
  out.field(0, 'Namespace', metadata?.namespace ?? '');
  out.field(0, 'Labels', mapLines(metadata?.labels));
  out.field(0, 'Annotations', annotationLines(metadata?.annotations));
  out.field(0, 'Selector', mapText(spec?.selector));
  out.field(0, 'Type', spec?.type ?? 'ClusterIP');
  out.field(0, 'IP Family Policy', spec?.ipFamilyPolicy ?? '<none>');
  out.field(0, 'IP Families', (spec?.ipFamilies ?? []).join(',') || '<none>');
  out.field(0, 'IP', spec?.clusterIP ?? '');
  out.field(0, 'IPs', (spec?.clusterIPs ?? []).join(',') || '<none>');
  if ((spec?.externalIPs ?? []).length > 0) out.field(0, 'External IPs', (spec?.externalIPs ?? []).join(','));
  if (spec?.externalName !== undefined) out.field(0, 'External Name', spec.externalName);
  const ingress = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname ?? '');
  if (ingress.length > 0) out.field(0, 'LoadBalancer Ingress', ingress.join(', '));
  for (const port of spec?.ports ?? []) {
    const name = port.name === undefined || port.name === '' ? '<unset>' : port.name;
    out.field(0, 'Port', `${name}\t${port.port}/${port.protocol ?? 'TCP'}`);
    out.field(0, 'TargetPort', `${port.targetPort ?? port.port}/${port.protocol ?? 'TCP'}`);
    if (port.nodePort !== undefined && port.nodePort !== 0) out.field(0, 'NodePort', `${name}\t${port.nodePort}/${port.protocol ?? 'TCP'}`);
    out.field(0, 'Endpoints', endpointsText(slices, port.name ?? ''));
  }
  out.field(0, 'Session Affinity', spec?.sessionAffinity ?? 'None');
  if (spec?.externalTrafficPolicy !== undefined) out.field(0, 'External Traffic Policy', spec.externalTrafficPolicy);
  if (spec?.internalTrafficPolicy !== undefined) out.field(0, 'Internal Traffic Policy', spec.internalTrafficPolicy);
  describeEvents(out, events);
  return out.text();
}

/** Ready addresses of the port of that name. */
function endpointsText(slices: readonly EndpointSlice[], portName: string): string {
  if (slices.length === 0) return '<none>';
  const addresses = slices.flatMap((slice) => {
    const port = slice.ports?.find(({ name = '' }) => name === portName)?.port;
    if (port === undefined) return [];
    const ready = (slice.endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false);
    return ready.flatMap((endpoint) => endpoint.addresses.map((address) => `${address}:${port}`));
  });
  const unique = [...new Set(addresses)].toSorted();
  const more = unique.length > ADDRESSES_SHOWN_MAX ? ` + ${unique.length - ADDRESSES_SHOWN_MAX} more...` : '';
  return unique.slice(0, ADDRESSES_SHOWN_MAX).join(',') + more;
}
