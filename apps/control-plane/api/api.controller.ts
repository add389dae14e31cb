/** Every path of the API in one route: the pipeline knows the resources, Nest does not need to. */
import { All, Controller, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Api } from '../../../libs/apiserver/index.js';
import { serveHttp } from './transport.js';

export const API = Symbol('Api');

@Controller()
export class ApiController {
  constructor(@Inject(API) private readonly api: Api) {}

  @All('*')
  async serve(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    reply.hijack();
    await serveHttp(this.api, request.raw, reply.raw);
  }
}
