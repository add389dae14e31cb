/** Creating Operations and following them to their end: their log on `err`, cancelled by Ctrl-C. */
import { setTimeout as sleep } from 'node:timers/promises';
import { CliError } from '../errors.js';
import { paint, type Io } from '../io.js';
import type { ApiClient } from './api-client.js';

const POLL_MS = 200;
const WAITING_TOLD_AFTER_MS = 3_000;
const finalPhases: ReadonlySet<string> = new Set(['Succeeded', 'Failed', 'Cancelled']);

export interface OperationJson {
  readonly metadata: { readonly name: string; readonly creationTimestamp?: string };
  readonly spec: { readonly type: string; readonly parameters?: Readonly<Record<string, string>>; readonly attempt?: number };
  readonly status?: {
    readonly phase?: string;
    readonly progress?: number;
    readonly message?: string;
    readonly log?: readonly string[];
    readonly attempts?: number;
    readonly attempt?: number;
    readonly startTime?: string;
    readonly completionTime?: string;
  };
}

const basePath = '/apis/berth.dev/v1alpha1/operations';

export interface OperationRequest {
  /** `drain-node-2-`: the server adds a suffix. */
  readonly generateName: string;
  readonly type: string;
  readonly parameters: Readonly<Record<string, string>>;
}

export function createOperation(client: ApiClient, { generateName, type, parameters }: OperationRequest): Promise<OperationJson> {
  const body = JSON.stringify({
    apiVersion: 'berth.dev/v1alpha1',
    kind: 'Operation',
    metadata: { generateName },
    spec: { type, parameters },
  });
  return client.json<OperationJson>(basePath, { method: 'POST', body });
}

export function getOperation(client: Pick<ApiClient, 'json'>, name: string): Promise<OperationJson> {
  return client.json<OperationJson>(`${basePath}/${encodeURIComponent(name)}`);
}

export function listOperations(client: Pick<ApiClient, 'json'>): Promise<{ readonly items: readonly OperationJson[] }> {
  return client.json<{ readonly items: readonly OperationJson[] }>(basePath);
}

/** Merges `spec` into the operation's: `cancel`, `attempt`. */
export async function changeOperation(
  client: Pick<ApiClient, 'json'>,
  name: string,
  spec: Readonly<Record<string, unknown>>,
): Promise<void> {
  await client.json(`${basePath}/${encodeURIComponent(name)}`, {
    method: 'PATCH',
    contentType: 'application/merge-patch+json',
    body: JSON.stringify({ spec }),
  });
}

/** Final for the attempt that is asked for: a retry makes an ended operation unfinished. */
export function hasEnded({ spec, status }: OperationJson): boolean {
  return finalPhases.has(status?.phase ?? '') && (status?.attempt ?? 1) >= (spec.attempt ?? 1);
}

/** Shows log and progress until the operation is final. Throws CliError when it failed or was cancelled. */
export async function followOperation(client: ApiClient, { metadata }: OperationJson, io: Io): Promise<void> {
  const path = `${basePath}/${metadata.name}`;
  let interrupted = false;
  const cancel = (): void => {
    interrupted = true;
    void client
      .json(path, { method: 'PATCH', contentType: 'application/merge-patch+json', body: '{"spec":{"cancel":true}}' })
      .catch(() => undefined);
  };
  process.on('SIGINT', cancel);
  try {
    const shown = new LogView(io);
    for (;;) {
      const operation = await client.json<OperationJson>(path);
      const { phase = '', message = '' } = operation.status ?? {};
      const ended = hasEnded(operation);
      shown.update(operation, ended);
      if (ended && phase === 'Succeeded') return;
      if (ended)
        throw new CliError(
          interrupted ? 'cancelled' : message,
          1,
          `Its log: berth operation show ${metadata.name}; once more: berth operation retry ${metadata.name}`,
        );
      if (phase === '' || phase === 'Pending') shown.waiting();
      await sleep(POLL_MS);
    }
  } finally {
    process.off('SIGINT', cancel);
  }
}

/** The status keeps the newest lines only: what is new is what follows the longest overlap with what was seen. */
class LogView {
  private seen: readonly string[] = [];
  private message = '';
  private waitedMs = 0;

  constructor(private readonly io: Io) {}

  /** Called at each poll while nothing has started it: says once what may be the reason. */
  waiting(): void {
    this.waitedMs += POLL_MS;
    if (this.waitedMs === WAITING_TOLD_AFTER_MS)
      this.io.err.write('waiting for a worker; "berth status" shows whether Redis, which carries the queue, is up\n');
  }

  /** The last message of an operation that has ended is the caller's to tell. */
  update({ status }: OperationJson, ended: boolean): void {
    const log = status?.log ?? [];
    for (const line of newLines(this.seen, log)) this.io.err.write(`${paint(this.io, 'dim', line)}\n`);
    this.seen = log;
    const message = status?.message ?? '';
    // Progress often says what the log has just said.
    if (!ended && message !== this.message && message !== '' && message !== 'started' && !log.includes(message))
      this.io.err.write(`${message}\n`);
    this.message = message;
  }
}

/** Lines of `after` that `before` does not end with. */
export function newLines(before: readonly string[], after: readonly string[]): readonly string[] {
  for (let overlap = Math.min(before.length, after.length); overlap > 0; overlap--) {
    const tail = before.slice(before.length - overlap);
    if (tail.every((line, index) => line === after[index])) return after.slice(overlap);
  }
  return after;
}
