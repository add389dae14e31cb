/** What cluster DNS answers from. */
export interface DnsView {
  readonly domain: string;
  /** `name.namespace` -> cluster addresses, or for headless Services the ready pod addresses with their host names. */
  readonly services: ReadonlyMap<string, DnsService>;
}
export interface DnsService {
  readonly clusterIps: readonly string[];
  readonly externalName?: string | undefined;
  readonly headless: readonly { readonly address: string; readonly hostname?: string | undefined }[];
  readonly ports: readonly { readonly name: string; readonly protocol: 'TCP' | 'UDP' | 'SCTP'; readonly port: number }[];
}
