/** Starts HTTPS for the API: Nest on Fastify, client certificates asked for but not demanded, WebSocket upgrades. */
import 'reflect-metadata';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { KeyPair } from '../../../libs/adapters/x509/index.js';
import type { Api } from '../../../libs/apiserver/index.js';
import type { BuildContexts } from '../operations/build-contexts.js';
import { ApiModule } from './api.module.js';
import { serveUpgrades } from './upgrade.js';

export interface ApiServerOptions {
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly caPem: string;
  readonly certificate: KeyPair;
  readonly contexts: BuildContexts;
}

export interface ApiServer extends AsyncDisposable {
  readonly port: number;
}

/** Idle connections live longer here than in Go's clients (90 s), so that none is closed under a request. */
const KEEP_ALIVE_MS = 120_000;

/** As Go's servers allow: a selector of hundreds of names makes a long address. */
const HEADER_BYTES_MAX = 1024 * 1024;

export async function startApiServer(api: Api, options: ApiServerOptions): Promise<ApiServer> {
  const adapter = new FastifyAdapter({
    https: {
      key: options.certificate.keyPem,
      cert: options.certificate.certificatePem,
      ca: options.caPem,
      requestCert: true,
      rejectUnauthorized: false, // bearer tokens come without; a wrong certificate is refused by the transport
      minVersion: 'TLSv1.2',
      headersTimeout: KEEP_ALIVE_MS + 1_000,
      maxHeaderSize: HEADER_BYTES_MAX,
      noDelay: true,
    },
    keepAliveTimeout: KEEP_ALIVE_MS, // Fastify's own: it would overwrite that of the server
    forceCloseConnections: true,
    exposeHeadRoutes: false,
  } as object);
  const app = await NestFactory.create<NestFastifyApplication>(ApiModule.over(api, options.contexts), adapter, {
    bodyParser: false,
    logger: ['error', 'warn'],
  });
  const fastify = adapter.getInstance();
  fastify.removeAllContentTypeParsers();
  // Bodies are read by the transport, which knows Kubernetes' limits and words.
  fastify.addContentTypeParser('*', (_request: unknown, payload: unknown, done: (error: null, body: unknown) => void) =>
    done(null, payload),
  );
  const server = app.getHttpServer() as unknown as Server;
  const upgrades = serveUpgrades(api, server);
  await app.listen(options.port, options.host);
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      upgrades[Symbol.dispose]();
      server.closeAllConnections();
      await app.close();
    },
  };
}
