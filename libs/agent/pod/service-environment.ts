/** Environment variables that tell a container where Services are (Kubernetes docs, Service: environment variables). */
import type { Service } from '../../api/index.js';

/** Variables for the Services of `namespace` and for `default/kubernetes`; only the latter when links are off. */
export function serviceEnvironment(services: readonly Service[], namespace: string, links: boolean): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  const visible = services.filter((service) => {
    const isApi = service.metadata?.namespace === 'default' && service.metadata.name === 'kubernetes';
    return isApi || (links && service.metadata?.namespace === namespace);
  });
  // The namespace's own Services come last, so that one named "kubernetes" wins there.
  const own = (service: Service): number => (service.metadata?.namespace === namespace ? 1 : 0);
  for (const service of [...visible].sort((a, b) => own(a) - own(b))) addService(variables, service);
  return variables;
}

function addService(variables: Map<string, string>, service: Service): void {
  const ip = service.spec?.clusterIP;
  const first = service.spec?.ports?.[0];
  if (ip === undefined || ip === '' || ip === 'None' || first === undefined) return;
  const prefix = (service.metadata?.name ?? '').toUpperCase().replaceAll('-', '_');
  variables.set(`${prefix}_SERVICE_HOST`, ip);
  variables.set(`${prefix}_SERVICE_PORT`, String(first.port));
  const ports = service.spec?.ports ?? [];
  for (const port of ports) {
    if (port.name !== undefined && port.name !== '') {
      variables.set(`${prefix}_SERVICE_PORT_${port.name.toUpperCase().replaceAll('-', '_')}`, String(port.port));
    }
  }
  for (const [index, port] of ports.entries()) {
    const protocol = port.protocol ?? 'TCP';
    const link = `${prefix}_PORT_${port.port}_${protocol.toUpperCase()}`;
    const url = `${protocol.toLowerCase()}://${ip.includes(':') ? `[${ip}]` : ip}:${port.port}`;
    if (index === 0) variables.set(`${prefix}_PORT`, url);
    variables.set(link, url);
    variables.set(`${link}_PROTO`, protocol.toLowerCase());
    variables.set(`${link}_PORT`, String(port.port));
    variables.set(`${link}_ADDR`, ip);
  }
}
