/** A small client of the Kubernetes API: requests with JSON bodies, and watches as async iterables. Errors are CliError with the server's own words. */
import { createReadStream, statSync } from 'node:fs';
import { Agent, request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { CliError, exitCodes } from '../errors.js';
import type { Connection } from './kubeconfig.js';

export interface RequestOptions {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly body?: string | undefined;
  readonly contentType?: string;
  readonly accept?: string;
  readonly signal?: AbortSignal | undefined;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly warnings: readonly string[];
}

/** An HTTP answer of 400 and above, with the server's Status where it sent one. */
export class ApiError extends CliError {
  constructor(
    readonly status: number,
    readonly reason: string,
    message: string,
  ) {
    super(message);
  }
}

const STATUS_FAILURE_MIN = 400;

export class ApiClient implements Disposable {
  private readonly agent: Agent;

  constructor(readonly connection: Connection) {
    const { ca, cert, key, insecure } = connection;
    this.agent = new Agent({
      keepAlive: true,
      ...(ca && { ca }),
      ...(cert && { cert }),
      ...(key && { key }),
      rejectUnauthorized: !insecure,
    });
  }

  /** The answer whatever its status. Throws CliError (unreachable) when no server answers. */
  async send(path: string, options: RequestOptions = {}): Promise<Answer> {
    const response = await this.open(path, options);
    const text = await readText(response);
    const warnings = [response.headers['warning'] ?? []]
      .flat()
      .map((line) => /^299 \S+ "(.*)"$/.exec(line)?.[1]?.replaceAll('\\"', '"') ?? line);
    return { status: response.statusCode ?? 0, text, warnings };
  }

  /** The decoded JSON body. Throws ApiError for 400 and above. */
  async json<T>(path: string, options: RequestOptions = {}): Promise<T> {
    const answer = await this.send(path, options);
    if (answer.status >= STATUS_FAILURE_MIN) throw decodeFailure(answer);
    return JSON.parse(answer.text) as T;
  }

  /** The raw body as it comes, for watches and logs. Throws ApiError for 400 and above. */
  async stream(path: string, options: RequestOptions = {}): Promise<IncomingMessage> {
    const response = await this.open(path, options);
    if ((response.statusCode ?? 0) < STATUS_FAILURE_MIN) return response;
    throw decodeFailure({ status: response.statusCode ?? 0, text: await readText(response), warnings: [] });
  }

  /** Sends a file as it is. Throws ApiError for 400 and above. */
  async upload(path: string, file: string): Promise<void> {
    const { server, token } = this.connection;
    const headers: Record<string, string> = { 'content-type': 'application/octet-stream', 'content-length': String(statSync(file).size) };
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
    const outgoing = request(new URL(path, server), { method: 'PUT', agent: this.agent, headers });
    const answered = new Promise<IncomingMessage>((resolve, reject) => outgoing.on('response', resolve).on('error', reject));
    createReadStream(file).pipe(outgoing);
    const response = await answered;
    const text = await readText(response);
    if ((response.statusCode ?? 0) >= STATUS_FAILURE_MIN) throw decodeFailure({ status: response.statusCode ?? 0, text, warnings: [] });
  }

  [Symbol.dispose](): void {
    this.agent.destroy();
  }

  private open(path: string, options: RequestOptions): Promise<IncomingMessage> {
    const { server, token } = this.connection;
    const headers: Record<string, string> = { accept: options.accept ?? 'application/json', 'user-agent': 'berth' };
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
    if (options.body !== undefined) {
      headers['content-type'] = options.contentType ?? 'application/json';
      headers['content-length'] = String(Buffer.byteLength(options.body));
    }
    return new Promise((resolve, reject) => {
      const outgoing = request(
        new URL(path, server),
        { method: options.method ?? 'GET', agent: this.agent, headers, ...(options.signal && { signal: options.signal }) },
        resolve,
      );
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        reject(
          new CliError(
            `${server.host}: ${error.message}`,
            exitCodes.unreachable,
            'Is the cluster running? "berth status" tells, "berth up" starts it.',
          ),
        );
      });
      outgoing.end(options.body);
    });
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function decodeFailure(answer: Answer): ApiError {
  try {
    const status = JSON.parse(answer.text) as { message?: string; reason?: string };
    return new ApiError(
      answer.status,
      status.reason ?? '',
      `Error from server (${status.reason ?? answer.status}): ${status.message ?? answer.text}`,
    );
  } catch {
    return new ApiError(answer.status, '', `the server answered ${answer.status}: ${answer.text.slice(0, 500)}`);
  }
}
