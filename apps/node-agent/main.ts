/** `node main.js --config FILE.json [--drain-on-exit]`: the agent of one host, in the network namespace that it is started in. */
import { AgentImageStore } from '../../libs/adapters/images/index.js';
import { exitWith, runAgent } from './run-agent.js';

runAgent(
  process.argv.slice(2),
  async (config, client) => new AgentImageStore({ root: config.imageDir, cluster: client, insecureRegistries: config.insecureRegistries }),
).catch(exitWith);
