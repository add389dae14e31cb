/** berth token: the strings by which hosts join. They are bootstrap token Secrets in kube-system. */
import { createHash, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import type { Secret } from '../../../libs/api/index.js';
import {
  joinTokenSecretName,
  parseJoinToken,
  TOKEN_LIFETIME_MS,
  TOKEN_NAMESPACE,
  TOKEN_SECRET_TYPE,
} from '../../../libs/gateway/join-token.js';
import { ApiError } from '../client/api-client.js';
import { listAll } from '../client/fetch.js';
import { findKubeconfig } from '../client/kubeconfig.js';
import { pathOf } from '../client/paths.js';
import type { Session } from '../client/session.js';
import { defaultOptions } from '../cluster/layout.js';
import { CliError, exitCodes } from '../errors.js';
import type { Io } from '../io.js';
import { renderColumns } from '../output/columns.js';
import { durationText } from '../output/time.js';
import { duration, examples, inSession, type Verb } from '../verb.js';

interface CreateFlags {
  readonly ttl: number;
  readonly description?: string;
  readonly gateway?: string;
}

export const token: Verb = {
  register(program: Command, io: Io): void {
    const group = program
      .command('token')
      .summary('join tokens: create, list, revoke')
      .description('A join token admits hosts to the cluster until it expires or is revoked.');
    group
      .command('create')
      .summary('a new token; prints the line to run on a host')
      .option('--ttl <duration>', 'how long it admits', duration('--ttl'), TOKEN_LIFETIME_MS)
      .option('--description <text>', 'shown by "berth token list"')
      .option('--gateway <host:port>', 'address of the control plane for agents, as hosts reach it')
      .action((flags: CreateFlags) =>
        inSession(program, io, (session) => {
          const flag = program.opts<{ readonly kubeconfig?: string }>().kubeconfig;
          return createToken(session, io, { ...flags, gateway: flags.gateway ?? gatewayOf(session, findKubeconfig(flag, io.env)) });
        }),
      );
    group
      .command('list', { isDefault: true })
      .summary('all tokens, without their secrets')
      .action(() => inSession(program, io, (session) => listTokens(session, io)));
    group
      .command('revoke <id>')
      .summary('let a token admit no more hosts')
      .description('Hosts that have joined stay. The id is what "berth token list" shows; a whole token will do as well.')
      .action((id: string) => inSession(program, io, (session) => revokeToken(session, io, id)));
    examples(group, [
      ['The line for a new host', 'berth token create --ttl=1h'],
      ['No more', 'berth token revoke l1m024'],
    ]);
  },
};

async function createToken(
  session: Session,
  io: Io,
  { ttl, description, gateway }: CreateFlags & { readonly gateway: string },
): Promise<void> {
  const caPem = session.client.connection.ca;
  if (caPem === undefined)
    throw new CliError(
      'the kubeconfig does not carry the CA certificate, which hosts recognise the cluster by',
      exitCodes.usage,
      'Use the one of "berth kubeconfig" on the control plane\'s host.',
    );
  // Only here, since it brings much of the control plane along.
  const { createJoinToken } = await import('../../control-plane/gateway/join-tokens.js');
  const secrets = await session.discovery.find('secrets');
  const path = pathOf(secrets, { namespace: TOKEN_NAMESPACE });
  const text = await createJoinToken(
    { create: (_resource, object) => session.client.json(path, { method: 'POST', body: JSON.stringify(object) }) },
    { address: gateway, caPem, now: Date.now(), lifetimeMs: ttl, ...(description !== undefined && { description }) },
  );
  io.err.write(`admits hosts for ${durationText(ttl)}:\n`);
  io.out.write(`berth join ${text}\n`);
}

/** As the token of the control plane's own machine says it; elsewhere the API's host with the usual port. */
function gatewayOf({ client }: Session, kubeconfig: string): string {
  const file = join(dirname(kubeconfig), 'join-token');
  const { server, ca } = client.connection;
  try {
    const local = existsSync(file) ? parseJoinToken(readFileSync(file, 'utf8')) : undefined;
    if (
      local !== undefined &&
      ca !== undefined &&
      local.caSha256 === createHash('sha256').update(new X509Certificate(ca).raw).digest('hex')
    )
      return local.address;
  } catch {
    // A damaged file says nothing.
  }
  return `${server.hostname}:${defaultOptions.gatewayPort}`;
}

async function listTokens({ client, discovery }: Session, io: Io): Promise<void> {
  const secrets = await listAll<Secret>(client, await discovery.find('secrets'), {
    namespace: TOKEN_NAMESPACE,
    query: { fieldSelector: `type=${TOKEN_SECRET_TYPE}` },
  });
  if (secrets.length === 0) {
    io.err.write('No tokens\n');
    return;
  }
  const rows = secrets.map(({ data }) => {
    const field = (name: string): string => Buffer.from(data?.[name] ?? '', 'base64').toString('utf8');
    const expires = field('expiration');
    return [field('token-id'), expiryText(expires), expires, field('description')];
  });
  io.out.write(renderColumns([['ID', 'TTL', 'EXPIRES', 'DESCRIPTION'], ...rows]));
}

function expiryText(expires: string): string {
  if (expires === '') return '<forever>';
  const leftMs = Date.parse(expires) - Date.now();
  return leftMs <= 0 ? '<expired>' : durationText(leftMs);
}

async function revokeToken({ client, discovery }: Session, io: Io, text: string): Promise<void> {
  const id = text.startsWith('berth1.') ? parseJoinToken(text).id : text;
  const path = pathOf(await discovery.find('secrets'), { namespace: TOKEN_NAMESPACE, name: joinTokenSecretName(id) });
  await client.json(path, { method: 'DELETE' }).catch((error: unknown) => {
    if (error instanceof ApiError && error.status === 404)
      throw new CliError(`there is no token "${id}"`, exitCodes.failed, 'berth token list shows their ids.');
    throw error;
  });
  io.out.write(`token "${id}" revoked\n`);
}
