/** Runs a program in a container to completion, for exec probes and lifecycle hooks. */
import type { ExitStatus } from '../../apiserver/index.js';
import { startExec } from './exec-process.js';
import type { ExecCommandInput } from './exec-command.js';

/** Kubernetes keeps this much of a probe's output. */
const OUTPUT_BYTES_MAX = 10 * 1024;

export interface ExecSyncResult {
  readonly exit: ExitStatus;
  readonly timedOut: boolean;
  /** stdout and stderr as they came, cut at 10 KiB. */
  readonly output: string;
}

/** After `timeoutMs` the program and its children are killed. */
export async function execSync(input: Omit<ExecCommandInput, 'tty'>, timeoutMs: number): Promise<ExecSyncResult> {
  await using program = startExec({ ...input, tty: false, stdin: false });
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    void program[Symbol.asyncDispose]();
  }, timeoutMs);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const { data } of program.output) {
    if (bytes < OUTPUT_BYTES_MAX) chunks.push(data.subarray(0, OUTPUT_BYTES_MAX - bytes));
    bytes += data.length;
  }
  const exit = await program.exit;
  clearTimeout(timer);
  return { exit, timedOut, output: Buffer.concat(chunks).toString('utf8') };
}
