/** Serves the sessions that the gateway asks for: logs, exec, attach and port-forward of this host's pods. */
import { CancelSource, formatMicroTime, instant } from '../kit/index.js';
import type { Logger } from '../kit/index.js';
import type { RemoteProcess } from '../apiserver/index.js';
import type { TunnelChannel, TunnelFrame, TunnelRequest } from '../gateway/index.js';
import type { ContainerRecord, ContainerRuntime } from './ports.js';
import type { PodWorker } from './pod/pod-worker.js';

export interface TunnelContext {
  readonly runtime: ContainerRuntime;
  readonly log: Logger;
  worker(podUid: string): PodWorker | undefined;
}

/** Resolves when the session is over. Never throws: what goes wrong is told in the exit frame. */
export async function serveTunnel(context: TunnelContext, request: TunnelRequest, channel: TunnelChannel): Promise<void> {
  using _closed = channel;
  try {
    const code = await serve(context, request, channel);
    await channel.send({ type: 'exit', code, error: '' });
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    context.log.debug('session failed', { verb: request.verb, podUid: request.podUid, error: text });
    await channel.send({ type: 'exit', code: -1, error: text }).catch(() => undefined); // the other end is gone
  }
}

function serve(context: TunnelContext, request: TunnelRequest, channel: TunnelChannel): Promise<number> {
  if (request.verb === 'logs') return serveLogs(context, request, channel);
  if (request.verb === 'connect') return serveConnection(context, request, channel);
  return serveProcess(context, request, channel);
}

type LogsRequest = Extract<TunnelRequest, { verb: 'logs' }>;

async function serveLogs(context: TunnelContext, request: LogsRequest, channel: TunnelChannel): Promise<number> {
  requireLogs(context, request);
  using cancel = new CancelSource();
  void drain(channel, () => undefined).then(() => cancel.abort());
  const options = {
    container: request.container,
    follow: request.follow,
    previous: request.previous,
    timestamps: request.timestamps,
    ...(request.sinceMs === 0 ? {} : { sinceTime: formatMicroTime(instant(request.sinceMs)) }),
    ...(request.tailLines < 0 ? {} : { tailLines: request.tailLines }),
    ...(request.limitBytes === 0 ? {} : { limitBytes: request.limitBytes }),
  };
  for await (const data of context.runtime.logs(request.podUid, request.container, options, cancel.signal)) {
    await channel.send({ type: 'stdout', data });
  }
  return 0;
}

/** Kubernetes' words for containers that have no log yet. */
function requireLogs(context: TunnelContext, request: LogsRequest): void {
  const worker = context.worker(request.podUid);
  if (worker === undefined) throw new Error(`pod ${request.podUid} is not on this node any more`);
  if (worker.record(request.container, request.previous) !== undefined) return;
  const pod = worker.current.metadata.name;
  if (request.previous) throw new Error(`previous terminated container "${request.container}" in pod "${pod}" not found`);
  const reason = worker.waitingReason(request.container);
  throw new Error(`container "${request.container}" in pod "${pod}" is waiting to start: ${reason}`);
}

type ProcessRequest = Extract<TunnelRequest, { verb: 'exec' | 'attach' }>;

async function serveProcess(context: TunnelContext, request: ProcessRequest, channel: TunnelChannel): Promise<number> {
  const { id } = runningContainer(context, request);
  await using session = request.verb === 'exec' ? await context.runtime.exec(id, request) : await context.runtime.attach(id, request);
  const input = drain(channel, (frame) => feed(session, frame));
  const finished = pumpOutput(session, request, channel);
  // Whoever ends first ends the session: the session, or the client that went away.
  const exit = await Promise.race([finished, input.then(() => undefined)]);
  if (exit === undefined) return 0;
  if (exit.kind === 'failed') throw new Error(exit.message);
  return exit.code;
}

async function pumpOutput(session: RemoteProcess, request: ProcessRequest, channel: TunnelChannel) {
  for await (const { stream, data } of session.output) {
    const isWanted = stream === 'stdout' ? request.stdout : request.stderr;
    if (isWanted) await channel.send({ type: stream, data });
  }
  return session.exit;
}

async function feed(session: RemoteProcess, frame: TunnelFrame): Promise<void> {
  if (frame.type === 'stdin') await session.writeStdin(frame.data).catch(() => undefined); // it stopped reading; its exit follows
  else if (frame.type === 'stdin-closed') session.closeStdin();
  else if (frame.type === 'resize') session.resize(frame.columns, frame.rows);
}

function runningContainer(context: TunnelContext, request: ProcessRequest): ContainerRecord {
  const record = context.worker(request.podUid)?.record(request.container);
  if (record?.state !== 'running') throw new Error(`container not found ("${request.container}")`);
  return record;
}

async function serveConnection(
  context: TunnelContext,
  request: Extract<TunnelRequest, { verb: 'connect' }>,
  channel: TunnelChannel,
): Promise<number> {
  await using connection = await context.runtime.connect(request.podUid, request.port);
  const input = drain(channel, async (frame) => {
    if (frame.type === 'stdin') await connection.write(frame.data).catch(() => undefined); // the end of `input` follows
    else if (frame.type === 'stdin-closed') connection.end();
  });
  const output = (async () => {
    for await (const data of connection.input) await channel.send({ type: 'stdout', data });
  })();
  await Promise.race([output, input]);
  return 0;
}

/** Reads frames until the other end is gone. */
async function drain(channel: TunnelChannel, take: (frame: TunnelFrame) => Promise<void> | undefined): Promise<void> {
  for await (const frame of channel.frames) await take(frame);
}
