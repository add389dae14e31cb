/** Sets the size of the terminal that `script` made for a program. */
import { readlinkSync } from 'node:fs';
import { processTree } from '../process/process-identity.js';
import { tryCommand } from '../process/run-command.js';

/** A client sends its size at once; `script` may not have made the terminal yet. */
const ATTEMPTS_MAX = 200;
const RETRY_MS = 10;

/** Setting the size from outside raises SIGWINCH in the terminal's foreground process, which is runc; runc passes it on. */
export async function resizeTerminal(scriptPid: number, columns: number, rows: number): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const terminal = terminalOf(scriptPid);
    if (terminal !== undefined) {
      await tryCommand('stty', ['-F', terminal, 'rows', String(rows), 'cols', String(columns)]).catch(() => undefined);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** Standard input of the child of `script`, once that is a terminal. */
function terminalOf(scriptPid: number): string | undefined {
  const child = processTree(scriptPid)[1];
  if (child === undefined) return undefined;
  try {
    const input = readlinkSync(`/proc/${child}/fd/0`);
    return input.startsWith('/dev/pts/') ? input : undefined;
  } catch {
    return undefined;
  }
}
