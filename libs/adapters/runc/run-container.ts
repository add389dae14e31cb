/** Starts one container: folder, conmon, start pipe, record. A failure leaves nothing behind. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { ContainerStartError } from '../../agent/index.js';
import type { ContainerSpec } from '../../agent/index.js';
import type { CgroupTree } from '../cgroups/cgroup-tree.js';
import { logFile } from '../logs/log-files.js';
import { messageOf, readTextSync } from '../process/files.js';
import { identifyProcess, isAlive } from '../process/process-identity.js';
import { createContainer, startContainer } from './conmon.js';
import { makeFolder } from './container-folder.js';
import type { StoredContainer } from './container-record.js';
import type { ContainerTable } from './container-table.js';
import type { RuntimePaths } from './paths.js';
import type { SandboxRecord } from './sandbox-record.js';

export interface RunContainerInput {
  readonly spec: ContainerSpec;
  readonly sandbox: SandboxRecord;
  readonly paths: RuntimePaths;
  readonly table: ContainerTable;
  readonly cgroups: CgroupTree;
  readonly seccompDirectory: string;
}

/** conmon's own limit, above that of the rotation by the agent. */
const LOG_LAST_RESORT_BYTES = 100 * 1024 * 1024;

/** Throws ContainerStartError: `CreateContainerError` where its folder cannot be made, `RunContainerError` where runc refuses. */
export async function runContainer(input: RunContainerInput): Promise<StoredContainer> {
  const { spec, table, paths } = input;
  // A record of the same id is a start that was given up.
  if (table.find(spec.id) !== undefined) await table.remove(spec.id);
  const draft = draftRecord(input);
  try {
    mkdirSync(dirname(draft.logPath), { recursive: true, mode: 0o755 });
    const container = paths.container(spec.id);
    await makeFolder({
      spec,
      container,
      pod: paths.pod(draft.podUid),
      sandbox: input.sandbox,
      cgroups: input.cgroups,
      cgroupPath: draft.cgroupPath,
      targetPidNamespace: targetPidNamespace(input),
      seccompDirectory: input.seccompDirectory,
    });
    table.put(draft);
  } catch (error) {
    throw await givenUp(input, 'CreateContainerError', error);
  }
  try {
    return await start(input, draft);
  } catch (error) {
    throw await givenUp(input, 'RunContainerError', error);
  }
}

function targetPidNamespace({ spec, table }: RunContainerInput): string | undefined {
  const init = spec.target === undefined ? undefined : table.find(spec.target)?.init;
  return init !== undefined && isAlive(init) ? `/proc/${init.pid}/ns/pid` : undefined;
}

async function start({ spec, table, paths }: RunContainerInput, draft: StoredContainer): Promise<StoredContainer> {
  const container = paths.container(spec.id);
  const pid = await createContainer({
    id: spec.id,
    paths,
    container,
    logPath: draft.logPath,
    tty: draft.tty,
    stdin: draft.stdin,
    stdinOnce: spec.container.stdinOnce === true,
    logBytesMax: LOG_LAST_RESORT_BYTES,
  });
  const init = identifyProcess(pid);
  if (init === undefined) throw new Error('the container process ended before it was started');
  const monitor = identifyProcess(Number(readTextSync(container.conmonPidFile) ?? 0));
  await startContainer(container, () => isAlive(init));
  const record: StoredContainer = { ...draft, init, monitor, startedAtMs: Date.now() };
  table.put(record);
  // The exit may have been told before the record knew its processes.
  await table.settle(spec.id);
  return table.find(spec.id) ?? record;
}

async function givenUp(input: RunContainerInput, reason: ContainerStartError['reason'], error: unknown): Promise<ContainerStartError> {
  await input.table.remove(input.spec.id);
  return new ContainerStartError(reason, messageOf(error));
}

function draftRecord({ spec, sandbox, paths }: RunContainerInput): StoredContainer {
  const { container, image, pod } = spec;
  return {
    id: spec.id,
    podUid: pod.metadata.uid,
    name: container.name,
    attempt: spec.attempt,
    imageId: image.repoDigest ?? image.id,
    imageRef: image.reference,
    specHash: spec.specHash,
    cgroupPath: `${sandbox.cgroupPath}/${container.name}-${spec.attempt}`,
    logPath: logFile(paths.pod(pod.metadata.uid).logs, container.name, spec.attempt),
    stopSignal: image.config.stopSignal ?? 'SIGTERM',
    tty: container.tty === true,
    stdin: container.stdin === true,
    terminationMessagePolicy: container.terminationMessagePolicy === 'FallbackToLogsOnError' ? 'FallbackToLogsOnError' : 'File',
  };
}
