/** Keeps the kernel's service table equal to the compiled rules: the difference only, one atomic transaction at a time. */
import type { Logger } from '../../kit/index.js';
import { renderRemoval, renderServiceChange, renderServices, staleFlows } from '../../networking/index.js';
import type { ServiceRules, ServiceTableOptions, StaleFlow } from '../../networking/index.js';
import type { RunCommand } from '../commands/index.js';
import { CommandError } from '../commands/index.js';
import { LatestOnly } from './latest.js';

/** Processes of `conntrack` at once. */
const CONNTRACK_RUNS_MAX = 8;

export class ServiceTable {
  /** What the kernel holds; unknown until the first state, which therefore replaces the table of an earlier agent as a whole. */
  private applied: ServiceRules | undefined;
  private readonly queue = new LatestOnly<ServiceRules>((rules) => this.program(rules));

  constructor(
    private readonly run: RunCommand,
    private readonly log: Logger,
    private readonly table: string,
    private readonly options: ServiceTableOptions,
  ) {}

  /** Resolves when the kernel follows `rules` or newer ones. Rejects with the words of `nft`; the earlier rules stay then. */
  set(rules: ServiceRules): Promise<void> {
    return this.queue.submit(rules);
  }

  async remove(): Promise<void> {
    this.applied = undefined;
    await nft(this.run, renderRemoval(this.table));
  }

  private async program(rules: ServiceRules): Promise<void> {
    const before = this.applied;
    if (before === undefined) await nft(this.run, renderServices(this.table, this.options, rules));
    else await this.change(before, rules);
    this.applied = rules;
    // A first state has nothing to compare with: flows that an earlier agent translated may well be right.
    if (before !== undefined) await this.forget(staleFlows(before, rules));
  }

  /** Somebody else may have edited the table (`nft flush ruleset`): then the whole of it is written anew. */
  private async change(before: ServiceRules, after: ServiceRules): Promise<void> {
    try {
      await nft(this.run, renderServiceChange(this.table, this.options, { before, after }));
    } catch (error) {
      this.log.warn('service table was not as expected, writing it anew', { table: this.table, error: String(error) });
      await nft(this.run, renderServices(this.table, this.options, after));
    }
  }

  private async forget(flows: readonly StaleFlow[]): Promise<void> {
    for (let start = 0; start < flows.length; start += CONNTRACK_RUNS_MAX) {
      await Promise.all(flows.slice(start, start + CONNTRACK_RUNS_MAX).map((flow) => this.forgetFlow(flow)));
    }
  }

  private async forgetFlow({ address, port, backend }: StaleFlow): Promise<void> {
    const from = address === undefined ? [] : ['--orig-dst', address];
    const to = backend === undefined ? [] : ['--dst-nat', backend.address];
    try {
      await this.run(['conntrack', '-D', '-p', 'udp', ...from, '--orig-port-dst', String(port), ...to]);
    } catch (error) {
      // Status 1 with "0 flow entries" is the usual case: nobody was talking.
      if (error instanceof CommandError && error.stderr.includes('0 flow entries')) return;
      this.log.warn('UDP flows could not be flushed; clients may use a removed backend until they pause', { port, error: String(error) });
    }
  }
}

/** One transaction: all commands or none. */
export async function nft(run: RunCommand, commands: readonly string[]): Promise<void> {
  if (commands.length > 0) await run(['nft', '-f', '-'], { input: `${commands.join('\n')}\n` });
}
