/** UDP conversations that the kernel would go on sending to the wrong place after a change of rules. */
import { frontendKey } from './service-rules.js';
import type { ServiceBackend, ServiceFrontend, ServiceRules } from './service-rules.js';

export interface StaleFlow {
  /** The address that clients used; absent for node ports. */
  readonly address?: string | undefined;
  readonly port: number;
  /** Flows to this backend only; absent = also those that were not translated at all. */
  readonly backend?: ServiceBackend | undefined;
}

/**
 * UDP has no end of connection, so the kernel keeps a translation for as long as packets come. To forget: flows to
 * backends that are gone, and flows that began before the frontend had any backend.
 */
export function staleFlows(before: ServiceRules, after: ServiceRules): readonly StaleFlow[] {
  const wanted = new Map(after.frontends.map((frontend) => [frontendKey(frontend), frontend]));
  const known = new Map(before.frontends.map((frontend) => [frontendKey(frontend), frontend]));
  const gone = before.frontends.filter(isUdp).flatMap((frontend) => {
    const kept = new Set((wanted.get(frontendKey(frontend))?.backends ?? []).map(text));
    return frontend.backends.filter((backend) => !kept.has(text(backend))).map((backend) => ({ ...place(frontend), backend }));
  });
  const begun = after.frontends
    .filter((frontend) => isUdp(frontend) && frontend.backends.length > 0)
    .filter((frontend) => (known.get(frontendKey(frontend))?.backends.length ?? 0) === 0);
  return [...gone, ...begun.map(place)];
}

function isUdp(frontend: ServiceFrontend): boolean {
  return frontend.protocol === 'UDP';
}

function place(frontend: ServiceFrontend): StaleFlow {
  return { address: frontend.address, port: frontend.port };
}

function text(backend: ServiceBackend): string {
  return `${backend.address}:${backend.port}`;
}
