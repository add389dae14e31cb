/** berth kubeconfig: prints the kubeconfig that the other verbs would use. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { findKubeconfig } from '../client/kubeconfig.js';
import type { Io } from '../io.js';
import { examples, type Verb } from '../verb.js';

export const kubeconfig: Verb = {
  register(program: Command, io: Io): void {
    const command = program
      .command('kubeconfig')
      .summary('print the kubeconfig of the cluster')
      .description('Prints the kubeconfig on standard output, with its certificates inside, for kubectl, Helm and other clients.')
      .action(() => {
        const flag = program.opts<{ kubeconfig?: string }>().kubeconfig;
        io.out.write(readFileSync(findKubeconfig(flag, io.env), 'utf8'));
      });
    examples(command, [['Use kubectl with it', 'berth kubeconfig > ~/.kube/config && kubectl get nodes']]);
  },
};
