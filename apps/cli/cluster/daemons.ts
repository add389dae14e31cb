/**
 * Long-running processes that outlive the command: started in their own session, logged to a file, remembered by pid AND
 * start time, so that a pid that the kernel has given to somebody else is never signalled.
 */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CliError } from '../errors.js';

export interface DaemonSpec {
  /** `etcd`, `control-plane`, `node-1`: names the pid and log files. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Enters this network namespace (`/run/netns/...`) first; mounts stay the machine's. */
  readonly netns?: string | undefined;
}

interface DaemonRecord {
  readonly pid: number;
  /** Field 22 of /proc/<pid>/stat: clock ticks since boot. */
  readonly startTicks: string;
}

/** The daemons of one cluster: `runDir/pids/<name>.json`, `logDir/<name>.log`. */
export class Daemons {
  constructor(
    private readonly runDir: string,
    private readonly logDir: string,
  ) {}

  /** The pid while it is alive. */
  pidOf(name: string): number | undefined {
    const file = this.pidFile(name);
    if (!existsSync(file)) return undefined;
    const record = decodeRecord(readFileSync(file, 'utf8'));
    return record !== undefined && startTicksOf(record.pid) === record.startTicks ? record.pid : undefined;
  }

  /** Starts it unless it runs; answers whether it was started. */
  start(spec: DaemonSpec): boolean {
    if (this.pidOf(spec.name) !== undefined) return false;
    mkdirSync(dirname(this.pidFile(spec.name)), { recursive: true });
    mkdirSync(this.logDir, { recursive: true });
    const log = openSync(this.logFile(spec.name), 'a');
    const [command, args] =
      spec.netns === undefined ? [spec.command, spec.args] : ['nsenter', [`--net=${spec.netns}`, spec.command, ...spec.args]];
    const child = spawn(command, args, { detached: true, stdio: ['ignore', log, log], env: { ...process.env, ...spec.env }, cwd: '/' });
    closeSync(log);
    child.on('error', () => undefined);
    if (child.pid === undefined)
      throw new CliError(`${command} could not be started: is it installed? "npm run setup" installs what is missing.`);
    child.unref();
    const record: DaemonRecord = { pid: child.pid, startTicks: startTicksOf(child.pid) ?? '' };
    writeFileSync(this.pidFile(spec.name), JSON.stringify(record));
    return true;
  }

  /** SIGTERM, then SIGKILL after `graceMs`. Harmless when it does not run. */
  async stop(name: string, graceMs = 10_000): Promise<void> {
    const pid = this.pidOf(name);
    if (pid !== undefined) {
      signal(pid, 'SIGTERM');
      if (!(await this.gone(name, graceMs))) {
        signal(pid, 'SIGKILL');
        await this.gone(name, 5_000);
      }
    }
    rmSync(this.pidFile(name), { force: true });
  }

  /** The last lines that it logged, for error messages. */
  lastLines(name: string, count = 15): string {
    if (!existsSync(this.logFile(name))) return '';
    return readFileSync(this.logFile(name), 'utf8').trimEnd().split('\n').slice(-count).join('\n');
  }

  logFile(name: string): string {
    return join(this.logDir, `${name}.log`);
  }

  private pidFile(name: string): string {
    return join(this.runDir, 'pids', `${name}.json`);
  }

  private async gone(name: string, withinMs: number): Promise<boolean> {
    for (let waitedMs = 0; waitedMs < withinMs; waitedMs += 20) {
      if (this.pidOf(name) === undefined) return true;
      await sleep(20);
    }
    return this.pidOf(name) === undefined;
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended between the look and the signal.
  }
}

function decodeRecord(text: string): DaemonRecord | undefined {
  try {
    return JSON.parse(text) as DaemonRecord;
  } catch {
    return undefined;
  }
}

/** Undefined when there is no such process, or it is a zombie. */
export function startTicksOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
