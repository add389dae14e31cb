/** `PUT /berth/contexts/<sha256>`: a build context, for those who may create Operations. */
import { Controller, Inject, Param, Put, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { StatusError } from '../../../libs/api/index.js';
import { handle, type Api } from '../../../libs/apiserver/index.js';
import { failed, toApiRequest } from '../api/transport.js';
import type { BuildContexts } from './build-contexts.js';

export const BUILD_CONTEXTS = Symbol('BuildContexts');
export const CONTEXTS_API = Symbol('ContextsApi');

@Controller('berth/contexts')
export class BuildContextsController {
  constructor(
    @Inject(CONTEXTS_API) private readonly api: Api,
    @Inject(BUILD_CONTEXTS) private readonly contexts: BuildContexts,
  ) {}

  @Put(':id')
  async put(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    reply.hijack();
    try {
      await this.authorize(request);
      await this.contexts.receive(id, request.raw);
      reply.raw.writeHead(201).end();
    } catch (error) {
      const { status, headers, body } = failed(error);
      reply.raw.writeHead(status, { ...headers, connection: 'close' }).end(body);
    }
  }

  /** Asks the API itself, in the client's name, whether it may create Operations. */
  private async authorize(request: FastifyRequest): Promise<void> {
    const question = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { group: 'berth.dev', resource: 'operations', verb: 'create' } },
    };
    const asked = toApiRequest(request.raw, JSON.stringify(question), { signal: AbortSignal.timeout(10_000) });
    const answer = await handle(this.api, {
      ...asked,
      method: 'POST',
      path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      query: new Map(),
      headers: { ...asked.headers, 'content-type': 'application/json', accept: 'application/json' },
    });
    if (answer.kind !== 'body' || answer.status >= 400) throw new StatusError('Unauthorized', 'Unauthorized');
    if (!decodeAllowed(answer.body))
      throw new StatusError('Forbidden', 'operations.berth.dev is forbidden: only who may create operations may send build contexts');
  }
}

function decodeAllowed(text: string): boolean {
  return (JSON.parse(text) as { status?: { allowed?: boolean } }).status?.allowed === true;
}
