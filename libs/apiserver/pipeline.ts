/** The way of a request: authenticate, read, authorize, serve; whatever is thrown becomes a `Status`. */
import { allKinds, findKind, StatusError, type KindInfo } from '../api/index.js';
import { CompactedError, StoreUnavailableError } from '../storage/index.js';
import { authenticate, impersonated } from './authn/authenticate.js';
import { requireAllowed, type Authorizer } from './authz/authorizer.js';
import { discover, discoveryResponse } from './discovery/discovery.js';
import { healthAnswer, ping } from './discovery/health.js';
import { openApi } from './discovery/openapi.js';
import { kubernetesVersion } from './discovery/version.js';
import type {
  ApiRequest,
  ApiResponse,
  HealthCheck,
  NodeStreams,
  PodHttp,
  StaticTokens,
  TokenSigner,
  UsageSource,
  UserInfo,
} from './ports.js';
import type { ApiContext } from './registry/context.js';
import { requestInfo, type NonResourceInfo, type ResourceInfo } from './request/request-info.js';
import { serveReview } from './reviews/reviews.js';
import { failure, json, plain } from './serve/respond.js';
import { serveResource } from './serve/resource.js';
import { metricsText, type RequestCounts } from './metrics/process-metrics.js';
import { serveMetrics } from './metrics/metrics.js';
import { serveSubresource } from './subresources/subresources.js';
import { expired, unknownPath } from './status.js';

/** Everything around the registry. */
export interface Api {
  readonly context: ApiContext;
  readonly authorizer: Authorizer;
  readonly tokens: TokenSigner;
  readonly staticTokens: StaticTokens;
  readonly nodes: NodeStreams;
  /** Absent: `pods/proxy` and `services/proxy` are not served. */
  readonly podHttp?: PodHttp | undefined;
  readonly usage: UsageSource;
  readonly health: readonly HealthCheck[];
  /** What has been answered so far, for `/metrics`. */
  readonly requests: RequestCounts;
}

const HEALTH_ENDPOINTS: ReadonlySet<string> = new Set(['healthz', 'livez', 'readyz']);

/** Answers one request. Never rejects: failures are answers too. */
export async function handle(api: Api, request: ApiRequest): Promise<ApiResponse> {
  const started = api.context.clock.now();
  const answer = await answerTo(api, request);
  if (answer.kind !== 'upgrade') api.requests.add(request, answer.status, api.context.clock.now() - started);
  return answer;
}

async function answerTo(api: Api, request: ApiRequest): Promise<ApiResponse> {
  try {
    const authenticated = await authenticate(request, api.tokens, api.staticTokens);
    const user = impersonate(api, authenticated, request);
    const info = requestInfo(request);
    authorize(api, user, info);
    return info.kind === 'path' ? await servePath(api, request) : await serve(api, request, info, user);
  } catch (error) {
    return failure(asStatus(api, request, error));
  }
}

function impersonate(api: Api, user: UserInfo, request: ApiRequest): UserInfo {
  const wanted = impersonated(request.headers);
  if (wanted === undefined) return user;
  const ask = (resource: string, name: string): void =>
    requireAllowed(api.authorizer, user, { kind: 'resource', verb: 'impersonate', group: '', resource, name });
  ask('users', wanted.name);
  for (const group of wanted.groups) if (!group.startsWith('system:authenticated')) ask('groups', group);
  return wanted;
}

function authorize(api: Api, user: UserInfo, info: ResourceInfo | NonResourceInfo): void {
  if (info.kind === 'path') return requireAllowed(api.authorizer, user, { kind: 'path', verb: info.verb, path: info.path });
  requireAllowed(api.authorizer, user, { ...info, verb: authorizedVerb(info) });
}

/** A GET that opens a session inside a pod is as powerful as the POST that old clients send, so it needs the same right. */
function authorizedVerb(info: ResourceInfo): string {
  const opensSession = ['exec', 'attach', 'portforward'].includes(info.subresource ?? '');
  return opensSession && info.resource === 'pods' ? 'create' : info.verb;
}

async function servePath(api: Api, request: ApiRequest): Promise<ApiResponse> {
  const { path, query } = request;
  const endpoint = path.split('/')[1] ?? '';
  if (HEALTH_ENDPOINTS.has(endpoint)) {
    const { status, text } = await healthAnswer(endpoint, selectedChecks(api, path), query);
    return plain(text, status);
  }
  if (path === '/version' || path === '/version/') return json(kubernetesVersion);
  const { advertiseAddress, securePort } = api.context.settings;
  const found = discover(path, request.headers['accept'] ?? '', `${advertiseAddress}:${securePort}`);
  if (found !== undefined) return discoveryResponse(request, found);
  if (path === '/metrics') return plain(metricsText(api));
  const document = await openApi(request);
  if (document !== undefined) return document;
  if (path === '/') return json({ paths: rootPaths });
  throw unknownPath();
}

const groupPaths = [
  ...new Set(allKinds().flatMap(({ group, version }) => (group === '' ? [] : [`/apis/${group}`, `/apis/${group}/${version}`]))),
];
const rootPaths = [
  '/api',
  '/api/v1',
  '/apis',
  ...groupPaths.toSorted(),
  '/healthz',
  '/healthz/etcd',
  '/healthz/ping',
  '/livez',
  '/livez/etcd',
  '/livez/ping',
  '/metrics',
  '/openapi/v2',
  '/openapi/v3',
  '/readyz',
  '/readyz/etcd',
  '/readyz/ping',
  '/version',
];

/** `/livez/etcd` asks for one check. */
function selectedChecks(api: Api, path: string): readonly HealthCheck[] {
  const name = path.split('/')[2];
  const checks = [ping, ...api.health];
  if (name === undefined || name === '') return checks;
  const chosen = checks.filter((check) => check.name === name);
  if (chosen.length === 0) throw unknownPath();
  return chosen;
}

function serve(api: Api, request: ApiRequest, info: ResourceInfo, user: UserInfo): Promise<ApiResponse> {
  const kind = findKind(info);
  if (kind === undefined) throw unknownPath();
  checkScope(kind, info);
  const resource = { request, info, kind, user };
  if (info.subresource !== undefined) {
    if (!kind.subresources.some((name) => name === info.subresource)) throw unknownPath();
    return serveSubresource(api, resource);
  }
  if (kind.group === 'metrics.k8s.io') return Promise.resolve(serveMetrics(api, resource));
  return kind.stored ? serveResource(api.context, resource) : serveReview(api, resource);
}

/** Objects of a namespace are named inside it, others outside of any. */
function checkScope(kind: KindInfo, info: ResourceInfo): void {
  if (!kind.namespaced && info.namespace !== undefined && kind.resource !== 'namespaces') throw unknownPath();
  if (kind.namespaced && info.namespace === undefined && info.name !== undefined && info.verb !== 'list' && info.verb !== 'watch')
    throw unknownPath();
}

function asStatus(api: Api, request: ApiRequest, error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  if (error instanceof CompactedError) return expired();
  if (error instanceof StoreUnavailableError) return new StatusError('ServiceUnavailable', error.message, { retryAfterSeconds: 1 });
  const problem = error instanceof Error ? error : new Error(String(error));
  api.context.log.error('request failed', { method: request.method, path: request.path, error: problem.message, stack: problem.stack });
  return new StatusError('InternalError', `Internal error occurred: ${problem.message}`, {
    causes: [{ reason: 'InternalError', message: problem.message }],
  });
}
