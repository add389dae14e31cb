/** Joins the `ip` commands of many callers into few processes: what comes while one runs goes together into the next. */
import { CommandError } from '../commands/index.js';
import type { RunCommand } from '../commands/index.js';

interface Job {
  readonly lines: readonly string[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A limit on the time that one process holds the others up. */
const JOBS_PER_RUN_MAX = 32;

export class IpBatch {
  private readonly waiting: Job[] = [];
  private isRunning = false;

  constructor(private readonly run: RunCommand) {}

  /** Runs the lines in order, as `ip -batch` reads them; they stop at the first that fails, which rejects this caller only. */
  submit(lines: readonly string[]): Promise<void> {
    const done = new Promise<void>((resolve, reject) => this.waiting.push({ lines, resolve, reject }));
    if (!this.isRunning) void this.drain();
    return done;
  }

  private async drain(): Promise<void> {
    this.isRunning = true;
    while (this.waiting.length > 0) await this.runOnce(this.waiting.splice(0, JOBS_PER_RUN_MAX));
    this.isRunning = false;
  }

  private async runOnce(jobs: readonly Job[]): Promise<void> {
    try {
      await this.run(['ip', '-batch', '-'], { input: `${jobs.flatMap((job) => job.lines).join('\n')}\n` });
      for (const job of jobs) job.resolve();
    } catch (error) {
      const failed = failedJob(jobs, error);
      jobs.slice(0, failed).forEach((job) => job.resolve());
      jobs[failed]?.reject(error);
      // `ip` stopped at the failing line: those behind it have not run yet.
      this.waiting.unshift(...jobs.slice(failed + 1));
    }
  }
}

/** Place of the job that holds the line which `ip` names ("Command failed -:7"); the first when it names none. */
function failedJob(jobs: readonly Job[], error: unknown): number {
  const line = error instanceof CommandError ? Number(/Command failed -:(\d+)/.exec(error.stderr)?.[1] ?? 1) : 1;
  let last = 0;
  return Math.max(
    0,
    jobs.findIndex((job) => (last += job.lines.length) >= line),
  );
}
