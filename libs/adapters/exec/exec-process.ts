/** `kubectl exec`: a program in a running container as a RemoteProcess. */
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import type { ExitStatus, RemoteProcess } from '../../apiserver/index.js';
import { readTextSync } from '../process/files.js';
import { processTree, signalProcess } from '../process/process-identity.js';
import { ChildOutput } from './child-output.js';
import { execCommandLine } from './exec-command.js';
import { runtimeMessage } from './runtime-message.js';
import type { ExecCommandInput } from './exec-command.js';
import { resizeTerminal } from './terminal-size.js';
import { ignoreBrokenPipe, writeInput } from './write-input.js';

/** How long output may still come after the program ended (a background child that keeps the pipes open is not waited for). */
const DRAIN_MS = 500;

export interface ExecOptions extends ExecCommandInput {
  readonly stdin: boolean;
}

export function startExec(options: ExecOptions): RemoteProcess {
  const { file, args } = execCommandLine(options);
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  ignoreBrokenPipe(child.stdin);
  // With a terminal, end of input would be typed as ^D into it: the pipe stays open until the program ends.
  if (!options.stdin && !options.tty) child.stdin.end();
  const hasStarted = (): boolean => existsSync(options.pidFile);
  const output = new ChildOutput({ stdout: child.stdout, stderr: child.stderr }, hasStarted);
  const exit = exitOf(child, output, options);
  return {
    output,
    exit,
    writeStdin: (data) => writeInput(child.stdin, data),
    closeStdin: () => {
      if (options.tty) void writeInput(child.stdin, new Uint8Array([END_OF_TRANSMISSION]));
      else child.stdin.end();
    },
    resize: (columns, rows) => {
      if (options.tty && child.pid !== undefined) void resizeTerminal(child.pid, columns, rows);
    },
    [Symbol.asyncDispose]: async () => {
      killExec(options.pidFile, child.pid);
      child.stdin.destroy();
      await exit;
    },
  };
}

const END_OF_TRANSMISSION = 4;

/** Ends the program with all its children; the runtime's own process follows by itself, or is ended where there is no program yet. */
export function killExec(pidFile: string, runtimePid: number | undefined): void {
  const program = Number(readTextSync(pidFile) ?? 0);
  if (program > 0) for (const pid of processTree(program)) signalProcess(pid, 'SIGKILL');
  else if (runtimePid !== undefined) for (const pid of processTree(runtimePid).toReversed()) signalProcess(pid, 'SIGKILL');
}

function exitOf(child: ChildProcessWithoutNullStreams, output: ChildOutput, options: ExecOptions): Promise<ExitStatus> {
  return new Promise((resolve) => {
    const finish = (code: number | null, signal: NodeJS.Signals | null): void => {
      const hasStarted = existsSync(options.pidFile);
      rmSync(options.pidFile, { force: true });
      const words = output.end({ drop: !hasStarted });
      if (hasStarted) resolve({ kind: 'exited', code: code ?? 137 });
      else resolve({ kind: 'failed', message: runtimeMessage(words) || `the runtime ended with ${signal ?? code}` });
    };
    child.once('error', (error) => {
      output.end({ drop: true });
      resolve({ kind: 'failed', message: error.message });
    });
    child.once('exit', (code, signal) => {
      const late = setTimeout(() => finish(code, signal), DRAIN_MS);
      child.once('close', () => {
        clearTimeout(late);
        finish(code, signal);
      });
    });
  });
}
