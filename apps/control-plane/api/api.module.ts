/** Nest's part of the API server: one controller over one provider. */
import { Module, type DynamicModule } from '@nestjs/common';
import type { Api } from '../../../libs/apiserver/index.js';
import { API, ApiController } from './api.controller.js';

@Module({})
export class ApiModule {
  static over(api: Api): DynamicModule {
    return { module: ApiModule, controllers: [ApiController], providers: [{ provide: API, useValue: api }] };
  }
}
