/** Connects a remote process with its client until it ends. */
import type { ExitStatus, RemoteProcess } from '../../../../libs/apiserver/index.js';
import type { SessionChannels } from './channels.js';

/** Resolves when the process has ended and the client has been told, or when the client is gone. */
export async function runProcess(process: RemoteProcess, channels: SessionChannels, gone: AbortSignal): Promise<void> {
  await using _owned = process;
  const left = new Promise<'left'>((resolve) => gone.addEventListener('abort', () => resolve('left'), { once: true }));
  void pumpInput(process, channels).catch(() => undefined); // a process that is gone takes no input; its exit says so
  void pumpSizes(process, channels).catch(() => undefined);
  const ended = pumpOutput(process, channels).then(() => process.exit);
  const outcome = await Promise.race([ended, left]);
  if (outcome !== 'left') await channels.finish(statusOf(outcome));
}

async function pumpOutput(process: RemoteProcess, channels: SessionChannels): Promise<void> {
  for await (const { stream, data } of process.output) await channels.write(stream, data);
}

async function pumpInput(process: RemoteProcess, channels: SessionChannels): Promise<void> {
  for await (const data of channels.stdin) await process.writeStdin(data);
  process.closeStdin();
}

async function pumpSizes(process: RemoteProcess, channels: SessionChannels): Promise<void> {
  for await (const { columns, rows } of channels.sizes) process.resize(columns, rows);
}

/** The `Status` by which clients learn the exit code: kubectl exits with it. */
export function statusOf(exit: ExitStatus): object {
  if (exit.kind === 'failed') {
    return { metadata: {}, status: 'Failure', message: exit.message, reason: 'InternalError', code: 500 };
  }
  if (exit.code === 0) return { metadata: {}, status: 'Success' };
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: command terminated with exit code ${exit.code}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(exit.code) }] },
  };
}
