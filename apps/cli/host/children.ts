/**
 * Processes that live and die with this command, for service managers: output to standard error, ended in reverse order of
 * their start, and when one ends by itself the others are ended too.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { deferred } from '../../../libs/kit/index.js';
import { CliError } from '../errors.js';

export interface ChildSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

const GRACE_MS = 15_000;
/** Tells the kernel to end the child should this process be killed. */
const SETPRIV = '/usr/bin/setpriv';

export class Children implements AsyncDisposable {
  private readonly running: { readonly name: string; readonly process: ChildProcess }[] = [];
  private stopping = false;
  private readonly ended = deferred<string>();

  constructor(private readonly err: Writable) {}

  /** Resolves with what happened when a child ends without having been asked to. */
  get firstEnd(): Promise<string> {
    return this.ended.promise;
  }

  /** In a session of its own, so that Ctrl-C reaches this process only, which then ends them in order. */
  start({ name, command, args }: ChildSpec): void {
    const [file, argv] = existsSync(SETPRIV) ? [SETPRIV, ['--pdeathsig', 'SIGTERM', command, ...args]] : [command, args];
    const child = spawn(file, argv, { detached: true, stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' });
    child.stdout?.pipe(this.err, { end: false });
    child.stderr?.pipe(this.err, { end: false });
    this.running.push({ name, process: child });
    child.on('error', (error) => this.tell(`${name} could not be started: ${error.message}`));
    child.on('exit', (code, signal) => this.tell(`${name} ended with ${signal ?? `exit code ${code}`}`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopping = true;
    for (const { process: child } of this.running.toReversed()) await end(child);
  }

  private tell(what: string): void {
    if (!this.stopping) this.ended.resolve(what);
  }
}

async function end(child: ChildProcess): Promise<void> {
  const isGone = (): boolean => child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
  if (isGone()) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  await Promise.race([gone, sleep(GRACE_MS, undefined, { ref: false })]);
  if (isGone()) return;
  child.kill('SIGKILL');
  await gone;
}

/** Resolves with the first of SIGTERM and SIGINT; a second one ends the process at once. */
export function interruption(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false;
    const on = (signal: NodeJS.Signals): void => {
      if (asked) process.exit(1);
      asked = true;
      resolve(signal);
    };
    process.on('SIGTERM', on);
    process.on('SIGINT', on);
  });
}

/** For `Type=notify` units. Harmless elsewhere. */
export function notifyReady(env: Readonly<Record<string, string | undefined>>): void {
  if (env['NOTIFY_SOCKET'] === undefined) return;
  spawn('systemd-notify', ['--ready'], { stdio: 'ignore' }).on('error', () => undefined);
}

/** For the end of a server whose part has ended. */
export function endedEarly(what: string): CliError {
  return new CliError(`${what}; the other parts were ended`, 1, 'Its last lines are above.');
}
