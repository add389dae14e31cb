/** Logs, exec, attach and port-forward through tunnels: the `NodeStreams` port of libs/apiserver. */
import type { CancelSignal, Clock } from '../kit/index.js';
import { parseTime } from '../kit/index.js';
import { StatusError } from '../api/light.js';
import type { Pod, Stored } from '../api/index.js';
import type { ExitStatus, LogOptions, NodeStreams, RemoteConnection, RemoteProcess, RemoteSessionRequest } from '../apiserver/index.js';
import type { TunnelChannel, TunnelFrame, TunnelRequest } from './messages.js';
import { ByteQueue } from './byte-queue.js';

type OpenTunnel = (node: string, request: TunnelRequest) => Promise<TunnelChannel>;
type ExecRequest = Extract<RemoteSessionRequest, { verb: 'exec' }>;
type AttachRequest = Extract<RemoteSessionRequest, { verb: 'attach' }>;

export class TunnelStreams implements NodeStreams {
  constructor(
    private readonly openTunnel: OpenTunnel,
    private readonly clock: Clock,
  ) {}

  async *logs(pod: Stored<Pod>, options: LogOptions, signal: CancelSignal): AsyncIterable<Uint8Array> {
    using channel = closedBy(await this.openTunnel(nodeOfPod(pod), this.#logsRequest(pod, options)), signal);
    for await (const frame of channel.frames) {
      if (frame.type === 'stdout' || frame.type === 'stderr') yield frame.data;
      if (frame.type !== 'exit') continue;
      if (frame.error !== '') throw new StatusError('BadRequest', frame.error);
      return;
    }
  }

  async exec(request: ExecRequest, signal: CancelSignal): Promise<RemoteProcess> {
    const { pod, ...rest } = request;
    const channel = await this.openTunnel(nodeOfPod(pod), { ...rest, podUid: pod.metadata.uid });
    return remoteProcess(closedBy(channel, signal));
  }

  async attach(request: AttachRequest, signal: CancelSignal): Promise<RemoteProcess> {
    const { pod, ...rest } = request;
    const channel = await this.openTunnel(nodeOfPod(pod), { ...rest, podUid: pod.metadata.uid });
    return remoteProcess(closedBy(channel, signal));
  }

  async connect(pod: Stored<Pod>, port: number, signal: CancelSignal): Promise<RemoteConnection> {
    const channel = await this.openTunnel(nodeOfPod(pod), { verb: 'connect', podUid: pod.metadata.uid, port });
    return remoteConnection(closedBy(channel, signal));
  }

  #logsRequest(pod: Stored<Pod>, options: LogOptions): TunnelRequest {
    const sinceTime = parseTime(options.sinceTime);
    const since = options.sinceSeconds === undefined ? (sinceTime ?? 0) : this.clock.now() - options.sinceSeconds * 1000;
    return {
      verb: 'logs',
      podUid: pod.metadata.uid,
      container: options.container,
      follow: options.follow,
      previous: options.previous,
      timestamps: options.timestamps,
      sinceMs: since,
      tailLines: options.tailLines ?? -1,
      limitBytes: options.limitBytes ?? 0,
    };
  }
}

function nodeOfPod(pod: Stored<Pod>): string {
  const node = pod.spec?.nodeName;
  if (node === undefined || node === '') {
    throw new StatusError('BadRequest', `pod ${pod.metadata.name} does not have a host assigned`);
  }
  return node;
}

/** The channel, disposed when `signal` aborts. */
function closedBy(channel: TunnelChannel, signal: CancelSignal): TunnelChannel {
  const close = (): void => channel[Symbol.dispose]();
  if (signal.aborted) close();
  signal.addEventListener('abort', close, { once: true });
  return {
    send: (frame) => channel.send(frame),
    frames: channel.frames,
    [Symbol.dispose]: () => {
      signal.removeEventListener('abort', close);
      close();
    },
  };
}

function remoteProcess(channel: TunnelChannel): RemoteProcess {
  const output = new ByteQueue<{ readonly stream: 'stdout' | 'stderr'; readonly data: Uint8Array }>();
  const exit = pumpProcess(channel, output);
  return {
    writeStdin: (data) => channel.send({ type: 'stdin', data }),
    closeStdin: () => sendQuietly(channel, { type: 'stdin-closed' }),
    resize: (columns, rows) => sendQuietly(channel, { type: 'resize', columns, rows }),
    output,
    exit,
    [Symbol.asyncDispose]: async () => channel[Symbol.dispose](),
  };
}

async function pumpProcess(
  channel: TunnelChannel,
  output: ByteQueue<{ readonly stream: 'stdout' | 'stderr'; readonly data: Uint8Array }>,
): Promise<ExitStatus> {
  let exit: ExitStatus = { kind: 'failed', message: 'the connection to the node was lost' };
  try {
    for await (const frame of channel.frames) {
      if (frame.type === 'stdout' || frame.type === 'stderr') await output.push({ stream: frame.type, data: frame.data });
      if (frame.type !== 'exit') continue;
      exit = frame.error === '' ? { kind: 'exited', code: frame.code } : { kind: 'failed', message: frame.error };
      break;
    }
  } catch {
    // The lost connection is the outcome already held.
  }
  output.end();
  channel[Symbol.dispose]();
  return exit;
}

async function remoteConnection(channel: TunnelChannel): Promise<RemoteConnection> {
  return {
    write: (data) => channel.send({ type: 'stdin', data }),
    end: () => sendQuietly(channel, { type: 'stdin-closed' }),
    input: connectionInput(channel),
    [Symbol.asyncDispose]: async () => channel[Symbol.dispose](),
  };
}

async function* connectionInput(channel: TunnelChannel): AsyncIterable<Uint8Array> {
  for await (const frame of channel.frames) {
    if (frame.type === 'stdout') yield frame.data;
    if (frame.type !== 'exit') continue;
    if (frame.error !== '') throw new StatusError('ServiceUnavailable', frame.error);
    return;
  }
}

function sendQuietly(channel: TunnelChannel, frame: TunnelFrame): void {
  channel.send(frame).catch(() => undefined); // a closed tunnel shows itself as the end of `frames`
}
