/** A small client of the Kubernetes API: requests with JSON bodies, and watches as async iterables. Errors are CliError with the server's own words. */
import { createReadStream, statSync } from 'node:fs';
import { Agent as PlainAgent, request as plainRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
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

/** One entry of a Status' `details.causes`. */
export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

/** An HTTP answer of 400 and above, with the server's Status where it sent one. Printed without a prefix, as kubectl does. */
export class ApiError extends CliError {
  constructor(
    readonly status: number,
    readonly reason: string,
    message: string,
    readonly causes: readonly StatusCause[] = [],
  ) {
    super(message);
  }
}

const STATUS_FAILURE_MIN = 400;

export class ApiClient implements Disposable {
  private readonly agent: Agent | PlainAgent;

  /** `warn` is told each distinct warning of the server once. */
  constructor(
    readonly connection: Connection,
    private readonly warn: (text: string) => void = () => undefined,
  ) {
    const tls = { ...tlsOptions(connection), rejectUnauthorized: !connection.insecure };
    this.agent = connection.server.protocol === 'http:' ? new PlainAgent({ keepAlive: true }) : new Agent({ keepAlive: true, ...tls });
  }

  /** The answer whatever its status. Throws CliError (unreachable) when no server answers. */
  async send(path: string, options: RequestOptions = {}): Promise<Answer> {
    const response = await this.open(path, options);
    const text = await readText(response);
    const warnings = warningsOf(response);
    for (const warning of warnings) this.tellOnce(warning);
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
    throw decodeFailure({ status: response.statusCode ?? 0, text: await readText(response) });
  }

  /** Sends a file as it is. Throws ApiError for 400 and above. */
  async upload(path: string, file: string): Promise<void> {
    const { token } = this.connection;
    const headers: Record<string, string> = { 'content-type': 'application/octet-stream', 'content-length': String(statSync(file).size) };
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
    const outgoing = this.request(path, { method: 'PUT', headers });
    const answered = new Promise<IncomingMessage>((resolve, reject) => outgoing.on('response', resolve).on('error', reject));
    createReadStream(file).pipe(outgoing);
    const response = await answered;
    const text = await readText(response);
    if ((response.statusCode ?? 0) >= STATUS_FAILURE_MIN) throw decodeFailure({ status: response.statusCode ?? 0, text });
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
      const method = options.method ?? 'GET';
      const outgoing = this.request(path, { method, headers, ...(options.signal && { signal: options.signal }) });
      outgoing.on('response', resolve);
      outgoing.on('error', (error) => reject(unreachable(server, error)));
      outgoing.end(options.body);
    });
  }

  private request(path: string, options: RequestInit): ClientRequest {
    const url = new URL(path, this.connection.server);
    const send = url.protocol === 'http:' ? plainRequest : request;
    return send(url, { agent: this.agent, ...options });
  }

  private readonly told = new Set<string>();

  private tellOnce(warning: string): void {
    if (this.told.has(warning)) return;
    this.told.add(warning);
    this.warn(warning);
  }
}

interface RequestInit {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Authority and client certificate, as `https` and `ws` take them. */
export function tlsOptions({ ca, cert, key }: Connection): { readonly ca?: string; readonly cert?: string; readonly key?: string } {
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

/** The way out of a connection that could not be made. */
export function unreachable(server: URL, error: Error): CliError {
  if (error.name === 'AbortError') return new CliError('interrupted');
  const refused = (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';
  const message = refused
    ? `The connection to the server ${server.host} was refused - did you specify the right host or port?`
    : `Unable to connect to the server: ${server.host}: ${error.message}`;
  return new CliError(message, exitCodes.unreachable, 'Is the cluster running? "berth status" tells, "berth up" starts it.');
}

/** RFC 9110 `Warning` headers: `299 - "text"`. */
function warningsOf(response: IncomingMessage): readonly string[] {
  const lines = [response.headers['warning'] ?? []].flat().flatMap((line) => line.split(/,(?=\s*299 )/));
  return lines.map((line) => /^\s*299 \S+ "(.*)"$/.exec(line)?.[1]?.replaceAll('\\"', '"') ?? line);
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** The Status in a failed answer, in kubectl's words. */
export function decodeFailure(answer: Pick<Answer, 'status' | 'text'>): ApiError {
  try {
    const status = JSON.parse(answer.text) as { message?: string; reason?: string; details?: { causes?: readonly StatusCause[] } };
    const reason = status.reason ?? '';
    const message = status.message ?? answer.text;
    // An Invalid Status already says which object is invalid: `Deployment.apps "web" is invalid: ...`.
    const text = reason === 'Invalid' ? `The ${message}` : `Error from server (${reason || answer.status}): ${message}`;
    return new ApiError(answer.status, reason, text, status.details?.causes ?? []);
  } catch {
    return new ApiError(answer.status, '', `the server answered ${answer.status}: ${answer.text.slice(0, 500)}`);
  }
}
