/** Connection failures in the words that Kubernetes' events use. Pure. */

const BY_CODE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect: connection refused',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ECONNRESET: 'connect: connection reset by peer',
  ETIMEDOUT: 'connect: connection timed out',
  EADDRNOTAVAIL: 'connect: cannot assign requested address',
};

/** `dial tcp 10.244.1.5:80: connect: connection refused`. `code` is that of Node's system error. */
export function dialError(address: string, code: string | undefined, message: string): string {
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `dial tcp: lookup ${address.replace(/:\d+$/, '')}: no such host`;
  return `dial tcp ${address}: ${BY_CODE[code ?? ''] ?? message}`;
}

export function dialTimeout(address: string): string {
  return `dial tcp ${address}: i/o timeout`;
}

/** `10.0.0.1:80`, `[fd00::1]:80`. */
export function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
