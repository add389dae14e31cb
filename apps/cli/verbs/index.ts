/** Every verb of berth, in the order of the help. */
import type { Verb } from '../verb.js';
import { build } from './build.js';
import { down } from './down.js';
import { kubeconfig } from './kubeconfig.js';
import { get } from './get.js';
import { quickstart } from './quickstart.js';
import { up } from './up.js';

export const verbs: readonly Verb[] = [quickstart, up, down, build, kubeconfig, get];
