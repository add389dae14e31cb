/** Every verb of berth, in the order of the help. */
import type { Verb } from '../verb.js';
import { apiResources, version } from './api-resources.js';
import { apply } from './apply.js';
import { autoscale } from './autoscale.js';
import { build } from './build.js';
import { completion } from './completion.js';
import { cordon, uncordon } from './cordon.js';
import { deleteVerb } from './delete.js';
import { describe } from './describe.js';
import { down } from './down.js';
import { drain } from './drain.js';
import { events } from './events.js';
import { exec } from './exec.js';
import { get } from './get.js';
import { joinVerb } from './join.js';
import { kubeconfig } from './kubeconfig.js';
import { logs } from './logs.js';
import { operation } from './operation.js';
import { quickstart } from './quickstart.js';
import { rollout } from './rollout.js';
import { scale } from './scale.js';
import { server } from './server.js';
import { status } from './status.js';
import { token } from './token.js';
import { top } from './top.js';
import { up } from './up.js';

/** In groups, as the help shows them. */
export const verbGroups: readonly { readonly title: string; readonly verbs: readonly Verb[] }[] = [
  { title: 'A cluster:', verbs: [quickstart, up, down, status, server, joinVerb, token, kubeconfig] },
  { title: 'Objects:', verbs: [get, describe, apply, deleteVerb, apiResources] },
  { title: 'Applications:', verbs: [build, scale, rollout, autoscale, logs, exec] },
  { title: 'Running it:', verbs: [top, events, cordon, uncordon, drain, operation, version, completion] },
];
