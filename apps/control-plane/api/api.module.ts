/** Nest's part of the API server: one controller over the pipeline, one for what is no API object. */
import { Module, type DynamicModule } from '@nestjs/common';
import type { Api } from '../../../libs/apiserver/index.js';
import { BUILD_CONTEXTS, BuildContextsController, CONTEXTS_API } from '../operations/build-contexts.controller.js';
import type { BuildContexts } from '../operations/build-contexts.js';
import { API, ApiController } from './api.controller.js';

@Module({})
export class ApiModule {
  /** Routes are matched in the order of the controllers: the API's takes every path that is left. */
  static over(api: Api, contexts: BuildContexts): DynamicModule {
    const providers = [
      { provide: API, useValue: api },
      { provide: CONTEXTS_API, useValue: api },
      { provide: BUILD_CONTEXTS, useValue: contexts },
    ];
    return { module: ApiModule, controllers: [BuildContextsController, ApiController], providers };
  }
}
