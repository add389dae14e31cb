/**
 * Service rules as an nftables table: two verdict maps lead from address and port to a chain of the frontend, which
 * chooses a backend by random numbers. A change of one Service touches that Service's chains only.
 */
import { frontendKey } from '../service-rules.js';
import type { ServiceBackend, ServiceFrontend, ServiceRules } from '../service-rules.js';
import { EMPTY_TABLE, renderReplacement, renderTransaction } from './table-model.js';
import type { TableModel } from './table-model.js';

/** Packets whose source address must become the host's before they leave. The bit that Kubernetes uses by default. */
export const MASQUERADE_MARK = '0x4000';

/** How many clients one backend remembers for session affinity; the kernel forgets the oldest when their time is over. */
const AFFINITY_CLIENTS_MAX = 65_536;

export interface ServiceTableOptions {
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  /** Answered by the host itself; never translated, whatever Service claims it. */
  readonly dnsAddress: string;
}

/** The whole table, replacing any earlier one at once. */
export function renderServices(table: string, options: ServiceTableOptions, rules: ServiceRules): readonly string[] {
  const model = frontendsModel(rules.frontends, options);
  return renderReplacement(table, {
    sets: new Map([...baseSets(), ...model.sets]),
    chains: new Map([...baseChains(options), ...model.chains]),
    elements: model.elements,
  });
}

/** The transaction from `before` to `after`; empty when nothing changes. Its length depends on the change, not on the number of Services. */
export function renderServiceChange(
  table: string,
  options: ServiceTableOptions,
  change: { readonly before: ServiceRules; readonly after: ServiceRules },
): readonly string[] {
  const before = byKey(change.before);
  const after = byKey(change.after);
  const changed = (from: ReadonlyMap<string, ServiceFrontend>, to: ReadonlyMap<string, ServiceFrontend>) =>
    [...from].filter(([key, frontend]) => !equal(frontend, to.get(key))).map(([, frontend]) => frontend);
  return renderTransaction(table, frontendsModel(changed(before, after), options), frontendsModel(changed(after, before), options));
}

function byKey(rules: ServiceRules): ReadonlyMap<string, ServiceFrontend> {
  return new Map(rules.frontends.map((frontend) => [frontendKey(frontend), frontend]));
}

/** By fields, and not by text: this runs over all frontends for every change of one. */
function equal(a: ServiceFrontend, b: ServiceFrontend | undefined): boolean {
  if (a === b) return true;
  return (
    b !== undefined &&
    a.kind === b.kind &&
    a.address === b.address &&
    a.port === b.port &&
    a.protocol === b.protocol &&
    a.service === b.service &&
    a.affinitySeconds === b.affinitySeconds &&
    a.local === b.local &&
    a.whenEmpty === b.whenEmpty &&
    equalBackends(a.backends, b.backends) &&
    equalBackends(a.insideBackends ?? [], b.insideBackends ?? []) &&
    (a.sourceRanges ?? []).join() === (b.sourceRanges ?? []).join()
  );
}

function equalBackends(a: readonly ServiceBackend[], b: readonly ServiceBackend[]): boolean {
  if (a.length !== b.length) return false;
  return a.every((backend, index) => backend.address === b[index]?.address && backend.port === b[index]?.port);
}

function baseSets(): TableModel['sets'] {
  const byAddress = 'type ipv4_addr . inet_proto . inet_service : verdict;';
  const byPort = 'type inet_proto . inet_service : verdict;';
  return new Map([
    ['services', { kind: 'map', declaration: byAddress }],
    ['node-ports', { kind: 'map', declaration: byPort }],
    ['refused', { kind: 'map', declaration: byAddress }],
    ['refused-ports', { kind: 'map', declaration: byPort }],
  ]);
}

function baseChains(options: ServiceTableOptions): TableModel['chains'] {
  const isDns = `ip daddr ${options.dnsAddress}`;
  const refuse = [
    `${isDns} return`,
    'ct state new ip daddr . meta l4proto . th dport vmap @refused',
    'ct state new fib daddr type local meta l4proto . th dport vmap @refused-ports',
  ];
  const translate = [
    `${isDns} return`,
    'ip daddr . meta l4proto . th dport vmap @services',
    'ip daddr != 127.0.0.0/8 fib daddr type local meta l4proto . th dport vmap @node-ports',
  ];
  // An address of the service range that was not translated belongs to no Service, or the port does not: say so at once.
  const unknown = `ip daddr != ${options.dnsAddress} ip daddr ${options.serviceCidr} goto refuse`;
  const masquerade = `meta mark & ${MASQUERADE_MARK} == ${MASQUERADE_MARK} meta mark set meta mark ^ ${MASQUERADE_MARK} masquerade fully-random`;
  const base = (declaration: string, rules: readonly string[]) => ({ declaration, rules });
  return new Map([
    ['refuse', base('', ['meta l4proto tcp reject with tcp reset', 'reject'])],
    ['check', base('', refuse)],
    ['translate', base('', translate)],
    ['check-arriving', base('type filter hook prerouting priority -110; policy accept;', ['goto check'])],
    ['check-leaving', base('type filter hook output priority -110; policy accept;', ['goto check'])],
    ['translate-arriving', base('type nat hook prerouting priority -100; policy accept;', ['goto translate'])],
    ['translate-leaving', base('type nat hook output priority -100; policy accept;', ['goto translate'])],
    ['unknown-forwarded', base('type filter hook forward priority 0; policy accept;', [unknown])],
    ['unknown-leaving', base('type filter hook output priority 0; policy accept;', [unknown])],
    ['masquerade-marked', base('type nat hook postrouting priority 100; policy accept;', [masquerade])],
  ]);
}

interface Parts {
  readonly sets: Map<string, { kind: 'set' | 'map'; declaration: string }>;
  readonly chains: Map<string, { declaration: string; rules: readonly string[] }>;
  readonly elements: Map<string, Map<string, string>>;
}

function frontendsModel(frontends: readonly ServiceFrontend[], options: ServiceTableOptions): TableModel {
  if (frontends.length === 0) return EMPTY_TABLE;
  const parts: Parts = { sets: new Map(), chains: new Map(), elements: new Map() };
  for (const frontend of frontends) addFrontend(parts, frontend, options);
  return parts;
}

function addFrontend(parts: Parts, frontend: ServiceFrontend, options: ServiceTableOptions): void {
  const [map, refusedMap] = frontend.kind === 'address' ? ['services', 'refused'] : ['node-ports', 'refused-ports'];
  const transport = `${frontend.protocol.toLowerCase()} . ${frontend.port}`;
  const key = frontend.kind === 'address' ? `${frontend.address} . ${transport}` : transport;
  if (frontend.backends.length === 0 && (frontend.insideBackends ?? []).length === 0) {
    addElement(parts, refusedMap, { key, value: frontend.whenEmpty === 'drop' ? 'drop' : 'goto refuse' });
    return;
  }
  const chain = `to/${frontendKey(frontend)}`;
  addElement(parts, map, { key, value: `goto ${chain}` });
  const declaration = `comment "${frontend.service.slice(0, 120)}";`;
  parts.chains.set(chain, { declaration, rules: frontendRules(parts, frontend, options) });
}

function frontendRules(parts: Parts, frontend: ServiceFrontend, options: ServiceTableOptions): readonly string[] {
  const mark = `meta mark set meta mark | ${MASQUERADE_MARK}`;
  const ranges = frontend.sourceRanges === undefined ? [] : [`ip saddr != { ${frontend.sourceRanges.join(', ')} } drop`];
  if (!frontend.local) return [...ranges, `ip saddr != ${options.clusterCidr} ${mark}`, ...chooseBackend(parts, frontend)];
  const inside = frontend.insideBackends ?? [];
  const shortcut =
    inside.length === 0
      ? []
      : [
          `ip saddr ${options.clusterCidr} ${translateTo(frontend, inside)}`,
          `fib saddr type local ${mark}`,
          `fib saddr type local ${translateTo(frontend, inside)}`,
        ];
  return [...shortcut, ...ranges, ...(frontend.backends.length === 0 ? ['drop'] : chooseBackend(parts, frontend))];
}

/** One rule without affinity. With it: clients that a backend knows go back to it, others are spread and remembered. */
function chooseBackend(parts: Parts, frontend: ServiceFrontend): readonly string[] {
  if (frontend.affinitySeconds === undefined) return [translateTo(frontend, frontend.backends)];
  const key = frontendKey(frontend);
  const names = frontend.backends.map((backend) => {
    // The timeout is part of the name: a set cannot change it in place.
    const name = `${key}/${backend.address}/${backend.port}`;
    const set = `clients/${frontend.affinitySeconds}/${name}`;
    parts.sets.set(set, {
      kind: 'set',
      declaration: `type ipv4_addr; size ${AFFINITY_CLIENTS_MAX}; flags dynamic,timeout; timeout ${frontend.affinitySeconds}s;`,
    });
    parts.chains.set(`at/${name}`, { declaration: '', rules: [`update @${set} { ip saddr }`, translateTo(frontend, [backend])] });
    return { chain: `at/${name}`, set };
  });
  const spread = names.map(({ chain }, index) => `${index} : goto ${chain}`).join(', ');
  return [...names.map(({ chain, set }) => `ip saddr @${set} goto ${chain}`), `numgen random mod ${names.length} vmap { ${spread} }`];
}

function translateTo(frontend: ServiceFrontend, backends: readonly ServiceBackend[]): string {
  const [only] = backends;
  const protocol = `meta l4proto ${frontend.protocol.toLowerCase()}`;
  if (backends.length === 1 && only !== undefined) return `${protocol} dnat to ${only.address}:${only.port}`;
  const choices = backends.map((backend, index) => `${index} : ${backend.address} . ${backend.port}`).join(', ');
  return `${protocol} dnat ip to numgen random mod ${backends.length} map { ${choices} }`;
}

function addElement(parts: Parts, map: string, element: { readonly key: string; readonly value: string }): void {
  const elements = parts.elements.get(map) ?? new Map<string, string>();
  elements.set(element.key, element.value);
  parts.elements.set(map, elements);
}
