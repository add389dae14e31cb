/** `serviceaccounts/token`: TokenRequest. */
import type { Api } from '../pipeline.js';
import type { ApiResponse } from '../ports.js';
import { formatTime, instant } from '../../kit/index.js';
import { integer, record, text, texts } from '../registry/object.js';
import { keyOf, read } from '../registry/object-store.js';
import { parseBody } from '../request/body.js';
import { data, formOf } from '../serve/respond.js';
import type { ResourceRequest } from '../serve/write-request.js';
import { invalid, methodNotAllowed, notFound } from '../status.js';

const EXPIRATION_DEFAULT_SECONDS = 3600;
const EXPIRATION_MIN_SECONDS = 600;

export async function requestToken(api: Api, { request, info, kind }: ResourceRequest): Promise<ApiResponse> {
  if (info.verb !== 'create') throw methodNotAllowed();
  const name = info.name ?? '';
  const account = (await read(api.context, keyOf(kind, info.namespace, name)))?.object;
  if (account === undefined) throw notFound(kind, name);
  const body = request.body === '' ? {} : record(parseBody(request.body, request.headers['content-type']));
  const spec = record(body['spec']);
  const expirationSeconds = integer(spec['expirationSeconds']) ?? EXPIRATION_DEFAULT_SECONDS;
  if (expirationSeconds < EXPIRATION_MIN_SECONDS) {
    const message = `Invalid value: ${expirationSeconds}: may not specify a duration less than 10 minutes`;
    throw invalid({ group: 'authentication.k8s.io', kind: 'TokenRequest' }, '', [
      { path: 'spec.expirationSeconds', type: 'FieldValueInvalid', message },
    ]);
  }
  const audiences = texts(spec['audiences']);
  const pod = await boundPod(api, info.namespace, record(spec['boundObjectRef']));
  const issued = await api.tokens.issue({
    namespace: info.namespace ?? '',
    serviceAccount: name,
    serviceAccountUid: account.metadata.uid ?? '',
    ...(pod === undefined ? {} : { pod }),
    audiences,
    expiresInSeconds: expirationSeconds,
  });
  const status = { token: issued.token, expirationTimestamp: formatTime(instant(issued.expiresAt)) };
  const metadata = { name, namespace: info.namespace, creationTimestamp: formatTime(api.context.clock.now()) };
  const answer = {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata,
    spec: { ...spec, audiences, expirationSeconds },
    status,
  };
  return data(answer, formOf(request, api.context.clock.now()), 201);
}

async function boundPod(
  api: Api,
  namespace: string | undefined,
  reference: Readonly<Record<string, unknown>>,
): Promise<{ readonly name: string; readonly uid: string } | undefined> {
  if (reference['kind'] !== 'Pod') return undefined;
  const name = text(reference['name']) ?? '';
  const pod = await read(api.context, `/registry/pods/${namespace}/${name}`);
  if (pod === undefined) throw notFound({ group: '', resource: 'pods' }, name);
  return { name, uid: pod.object.metadata.uid ?? '' };
}
