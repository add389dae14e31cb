/** Port-forwarding: pairs of SPDY streams (data and error), one pair a forwarded connection. */
import { serveSpdy, type ByteLine, type SpdyStream } from '../../../../libs/adapters/spdy/index.js';
import type { Pod, Stored } from '../../../../libs/api/index.js';
import type { NodeStreams, RemoteConnection } from '../../../../libs/apiserver/index.js';

/** Sub-protocol of port-forwarding itself, and its name when SPDY is tunnelled through a WebSocket. */
export const PORT_FORWARD_PROTOCOL = 'portforward.k8s.io';
export const TUNNEL_PROTOCOL = `SPDY/3.1+${PORT_FORWARD_PROTOCOL}`;

interface Pair {
  data?: SpdyStream;
  error?: SpdyStream;
}

/** Serves connections to the pod until the client's line ends. */
export async function servePortForward(nodes: NodeStreams, pod: Stored<Pod>, line: ByteLine, gone: AbortSignal): Promise<void> {
  const pairs = new Map<string, Pair>();
  await serveSpdy(line, (stream) => {
    const request = stream.headers.get('requestid') ?? stream.headers.get('port') ?? '';
    const pair = pairs.get(request) ?? {};
    pairs.set(request, pair);
    if (stream.headers.get('streamtype') === 'error') pair.error = stream;
    else pair.data = stream;
    const { data, error } = pair;
    if (data === undefined || error === undefined) return;
    pairs.delete(request);
    void forward(nodes, pod, { data, error }, gone);
  });
}

async function forward(nodes: NodeStreams, pod: Stored<Pod>, { data, error }: Required<Pair>, gone: AbortSignal): Promise<void> {
  const port = Number(data.headers.get('port'));
  try {
    await using connection = await nodes.connect(pod, port, gone);
    await Promise.all([upstream(data, connection), downstream(data, connection)]);
  } catch (problem) {
    const text = `error forwarding port ${port} to pod ${pod.metadata.name}, uid ${pod.metadata.uid}: ${problem instanceof Error ? problem.message : String(problem)}`;
    await error.write(Buffer.from(text)).catch(() => undefined);
  } finally {
    await data.end().catch(() => undefined);
    await error.end().catch(() => undefined);
  }
}

async function upstream(data: SpdyStream, connection: RemoteConnection): Promise<void> {
  for await (const piece of data.input) await connection.write(piece);
  connection.end();
}

async function downstream(data: SpdyStream, connection: RemoteConnection): Promise<void> {
  for await (const piece of connection.input) await data.write(piece);
  await data.end();
}
