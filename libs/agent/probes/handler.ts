/** Carries out one probe or hook against a container: command, HTTP, TCP, gRPC. */
import type { Container, ContainerPort, Probe } from '../../api/index.js';
import type { ContainerId, ContainerRuntime, ProbeOutcome, Prober } from '../ports.js';

export type HandlerAction = Pick<Probe, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'>;

export interface HandlerTarget {
  readonly runtime: Pick<ContainerRuntime, 'execSync'>;
  readonly prober: Prober;
  readonly id: ContainerId;
  readonly container: Container;
  /** Where the pod listens; the host's address on the host network. */
  readonly podIp: string;
}

/** Never throws: what goes wrong is an outcome. */
export async function runHandler(target: HandlerTarget, action: HandlerAction, timeoutMs: number): Promise<ProbeOutcome> {
  try {
    if (action.exec !== undefined) return await runCommand(target, action.exec.command ?? [], timeoutMs);
    if (action.httpGet !== undefined) return await runHttp(target, action.httpGet, timeoutMs);
    const { grpc, tcpSocket } = action;
    if (grpc !== undefined) {
      return await target.prober.grpc({ host: target.podIp, port: grpc.port, service: grpc.service ?? '', timeoutMs });
    }
    if (tcpSocket === undefined) return { ok: true };
    return await target.prober.tcp(tcpSocket.host ?? target.podIp, portNumber(target.container, tcpSocket.port), timeoutMs);
  } catch (error) {
    return { ok: false, output: error instanceof Error ? error.message : String(error) };
  }
}

async function runCommand(target: HandlerTarget, command: readonly string[], timeoutMs: number): Promise<ProbeOutcome> {
  const { exit, timedOut, output } = await target.runtime.execSync(target.id, command, timeoutMs);
  if (timedOut) return { ok: false, output: `command timed out: "${command.join(' ')}" timed out after ${timeoutMs / 1000}s` };
  if (exit.kind === 'failed') return { ok: false, output: exit.message };
  return exit.code === 0 ? { ok: true } : { ok: false, output };
}

function runHttp(target: HandlerTarget, get: NonNullable<HandlerAction['httpGet']>, timeoutMs: number): Promise<ProbeOutcome> {
  const path = get.path ?? '/';
  return target.prober.http({
    scheme: get.scheme === 'HTTPS' ? 'HTTPS' : 'HTTP',
    host: get.host === undefined || get.host === '' ? target.podIp : get.host,
    port: portNumber(target.container, get.port),
    path: path.startsWith('/') ? path : `/${path}`,
    headers: get.httpHeaders ?? [],
    timeoutMs,
  });
}

/** A number, its text, or the name of one of the container's ports. */
export function portNumber(container: Container, port: number | string | object): number {
  if (typeof port === 'number') return port;
  const name = String(port);
  if (/^\d+$/.test(name)) return Number(name);
  const named = container.ports?.find((candidate: ContainerPort) => candidate.name === name);
  if (named === undefined) throw new Error(`couldn't find port: "${name}" in container ${container.name}`);
  return named.containerPort;
}
