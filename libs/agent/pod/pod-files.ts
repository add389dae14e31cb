/** Host name, /etc/hosts and /etc/resolv.conf of a pod. */
import type { Pod } from '../../api/index.js';

export interface DnsSettings {
  /** Cluster DNS; empty while the control plane has not told. */
  readonly dnsAddress: string;
  readonly clusterDomain: string;
  /** The host's own resolver: what `Default` means, and what `ClusterFirst` falls back to on the host network. */
  readonly hostNameservers: readonly string[];
  readonly hostSearches: readonly string[];
}

const HOSTNAME_LENGTH_MAX = 63;
const SEARCHES_MAX = 32;
const NAMESERVERS_MAX = 3;

/** What `hostname` prints in the pod. */
export function podHostname(pod: Pod, clusterDomain: string): string {
  const short = (pod.spec?.hostname ?? pod.metadata?.name ?? '').slice(0, HOSTNAME_LENGTH_MAX).replace(/[-.]+$/, '');
  return pod.spec?.setHostnameAsFQDN === true ? (podFqdn(pod, short, clusterDomain) ?? short) : short;
}

function podFqdn(pod: Pod, hostname: string, clusterDomain: string): string | undefined {
  const subdomain = pod.spec?.subdomain;
  if (subdomain === undefined || subdomain === '') return undefined;
  return `${hostname}.${subdomain}.${pod.metadata?.namespace ?? ''}.svc.${clusterDomain}`;
}

/** For a pod on the host network the caller gives the host's own file as `base`. */
export function hostsFile(
  pod: Pod,
  facts: { readonly podIp?: string | undefined; readonly clusterDomain: string; readonly base?: string | undefined },
): string {
  const lines = facts.base === undefined ? standardHosts(pod, facts.podIp, facts.clusterDomain) : [facts.base.trimEnd()];
  const aliases = pod.spec?.hostAliases ?? [];
  if (aliases.length > 0) lines.push('', '# Entries added by HostAliases.');
  for (const alias of aliases) lines.push([alias.ip, ...(alias.hostnames ?? [])].join('\t'));
  return `${lines.join('\n')}\n`;
}

function standardHosts(pod: Pod, podIp: string | undefined, clusterDomain: string): string[] {
  const lines = [
    '# Kubernetes-managed hosts file.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'fe00::0\tip6-mcastprefix',
    'fe00::1\tip6-allnodes',
    'fe00::2\tip6-allrouters',
  ];
  const hostname = (pod.spec?.hostname ?? pod.metadata?.name ?? '').slice(0, HOSTNAME_LENGTH_MAX);
  const fqdn = podFqdn(pod, hostname, clusterDomain);
  if (podIp !== undefined) lines.push([podIp, ...(fqdn === undefined ? [] : [fqdn]), hostname].join('\t'));
  return lines;
}

/** Kubernetes docs, DNS for Services and Pods: policies and dnsConfig. */
export function resolvConf(pod: Pod, dns: DnsSettings): string {
  const base = baseResolver(pod, dns);
  const config = pod.spec?.dnsConfig;
  const nameservers = unique([...base.nameservers, ...(config?.nameservers ?? [])]).slice(0, NAMESERVERS_MAX);
  const searches = unique([...base.searches, ...(config?.searches ?? [])]).slice(0, SEARCHES_MAX);
  const options = new Map(base.options);
  for (const option of config?.options ?? []) if (option.name !== undefined) options.set(option.name, option.value);
  const lines = nameservers.map((server) => `nameserver ${server}`);
  if (searches.length > 0) lines.unshift(`search ${searches.join(' ')}`);
  const texts = [...options].map(([name, value]) => (value === undefined ? name : `${name}:${value}`));
  if (texts.length > 0) lines.push(`options ${texts.join(' ')}`);
  return `${lines.join('\n')}\n`;
}

interface Resolver {
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly (readonly [string, string | undefined])[];
}

function baseResolver(pod: Pod, dns: DnsSettings): Resolver {
  const policy = pod.spec?.dnsPolicy ?? 'ClusterFirst';
  const isCluster = policy === 'ClusterFirstWithHostNet' || (policy === 'ClusterFirst' && pod.spec?.hostNetwork !== true);
  if (policy === 'None') return { nameservers: [], searches: [], options: [] };
  if (!isCluster || dns.dnsAddress === '') return { nameservers: dns.hostNameservers, searches: dns.hostSearches, options: [] };
  const { clusterDomain } = dns;
  const own = [`${pod.metadata?.namespace ?? 'default'}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain];
  return { nameservers: [dns.dnsAddress], searches: [...own, ...dns.hostSearches], options: [['ndots', '5']] };
}

function unique(items: readonly string[]): string[] {
  return [...new Set(items)];
}
