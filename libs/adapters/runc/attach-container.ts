/** `kubectl attach` for one container: joins its log (output), its exit and conmon's sockets. */
import type { PodUid } from '../../agent/index.js';
import type { ExitStatus, RemoteProcess } from '../../apiserver/index.js';
import { CancelSource } from '../../kit/index.js';
import { startAttach } from '../exec/index.js';
import type { OutputChunk } from '../exec/child-output.js';
import { readLogChunks } from '../logs/index.js';
import type { StoredContainer } from './container-record.js';
import type { ContainerTable } from './container-table.js';

export interface AttachInput {
  readonly record: StoredContainer;
  readonly table: ContainerTable;
  readonly podLogs: (podUid: PodUid) => string;
  readonly tty: boolean;
  readonly stdin: boolean;
}

export function attachTo(input: AttachInput): RemoteProcess {
  const { record, table } = input;
  const stop = new CancelSource();
  return startAttach({
    bundle: table.paths(record.id).bundle,
    stdin: input.stdin && record.stdin,
    tty: input.tty && record.tty,
    output: newOutput(input, stop),
    exit: exitOf(record, table),
    stopOutput: () => stop.abort(),
  });
}

async function* newOutput({ record, table, podLogs }: AttachInput, stop: CancelSource): AsyncGenerator<OutputChunk, void, undefined> {
  const batches = readLogChunks({
    podLogs: podLogs(record.podUid),
    options: { container: record.name, follow: true, previous: false, timestamps: false, tailLines: 0 },
    nowMs: Date.now(),
    isOver: (attempt) => table.isOver(record.podUid, record.name, attempt),
    signal: stop.signal,
  });
  for await (const batch of batches) for (const { stream, text } of batch) yield { stream, data: Buffer.from(text, 'latin1') };
}

/** An attachment ends well however the container ends: kubectl takes its exit code from the pod, and an error here for a lost connection. */
async function exitOf(record: StoredContainer, table: ContainerTable): Promise<ExitStatus> {
  await table.ended(record.id);
  return { kind: 'exited', code: 0 };
}
