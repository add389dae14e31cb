/** The system's namespaces, Services, endpoints and priority classes. */
import { LOCAL_PROVISIONER, LOCAL_STORAGE_CLASS } from '../../api/index.js';
import type { KubeObject } from '../../api/index.js';
import { formatAddress, parseRange } from '../admission/addresses.js';
import type { ApiSettings } from '../registry/context.js';

export const SYSTEM_NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'] as const;

export function namespaceObjects(): readonly KubeObject[] {
  return SYSTEM_NAMESPACES.map((name) => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
    spec: { finalizers: ['kubernetes'] },
  }));
}

/** `kubernetes` is the API as pods see it, `kube-dns` the address under which each host's agent answers names. */
export function serviceObjects(settings: ApiSettings): readonly KubeObject[] {
  const { securePort, dnsAddress } = settings;
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'kubernetes', namespace: 'default', labels: { component: 'apiserver', provider: 'kubernetes' } },
      spec: {
        clusterIP: apiServiceAddress(settings),
        type: 'ClusterIP',
        sessionAffinity: 'None',
        ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: securePort }],
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'kube-dns', namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns', 'kubernetes.io/name': 'CoreDNS' } },
      spec: {
        clusterIP: dnsAddress,
        type: 'ClusterIP',
        ports: [
          { name: 'dns', port: 53, protocol: 'UDP', targetPort: 53 },
          { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 53 },
        ],
      },
    },
  ];
}

/** First address of the service range. */
export function apiServiceAddress(settings: Pick<ApiSettings, 'serviceCidr'>): string {
  return formatAddress(parseRange(settings.serviceCidr).first + 1);
}

/** Both forms of the API server's own address; no controller makes them, because the Service has no selector. */
export function endpointObjects(settings: ApiSettings): readonly KubeObject[] {
  const { advertiseAddress, securePort } = settings;
  if (advertiseAddress.startsWith('127.')) return []; // nobody else could reach it, and endpoints may not say so
  const ports = [{ name: 'https', port: securePort, protocol: 'TCP' }];
  const metadata = { name: 'kubernetes', namespace: 'default' };
  return [
    {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: { ...metadata, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
      subsets: [{ addresses: [{ ip: advertiseAddress }], ports }],
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'kubernetes' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: [advertiseAddress], conditions: { ready: true } }],
      ports,
    },
  ];
}

export function priorityClassObjects(): readonly KubeObject[] {
  const systemClass = (name: string, value: number, description: string): KubeObject => ({
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name },
    value,
    preemptionPolicy: 'PreemptLowerPriority',
    description,
  });
  return [
    systemClass('system-node-critical', 2_000_001_000, 'Pods that a node cannot do without.'),
    systemClass('system-cluster-critical', 2_000_000_000, 'Pods that the cluster cannot do without.'),
  ];
}

/** Volumes as folders of the host where their first pod is placed, so that claims are served in every cluster. */
export function storageClassObjects(): readonly KubeObject[] {
  return [
    {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: LOCAL_STORAGE_CLASS, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
      provisioner: LOCAL_PROVISIONER,
      reclaimPolicy: 'Delete',
      volumeBindingMode: 'WaitForFirstConsumer',
    },
  ];
}
