/** berth api-resources, berth version: what the server is and has. */
import type { Command } from 'commander';
import { apiVersionOf, pluralName, type Resource } from '../client/discovery.js';
import type { Io } from '../io.js';
import { renderColumns } from '../output/columns.js';
import { examples, inSession, type Verb } from '../verb.js';
import { clientVersion } from '../version.js';

interface ResourceFlags {
  readonly output?: string;
  readonly namespaced?: string;
  readonly apiGroup?: string;
  readonly headers: boolean;
}

export const apiResources: Verb = {
  register(program: Command, io: Io): void {
    const command = program
      .command('api-resources')
      .summary('the types of objects that the server has')
      .option('-o, --output <wide|name>', 'wide: with verbs and categories; name: only names')
      .option('--api-group <group>', 'only those of this group')
      .option('--no-headers', 'no line of column names')
      .action((flags: ResourceFlags) =>
        inSession(program, io, async ({ discovery }) => {
          const all = await discovery.preferred();
          const shown = all.filter(({ group }) => flags.apiGroup === undefined || group === flags.apiGroup);
          io.out.write(flags.output === 'name' ? shown.map((one) => `${pluralName(one)}\n`).join('') : resourceTable(shown, flags));
        }),
      );
    examples(command, [['Names and short names', 'berth api-resources']]);
  },
};

function resourceTable(resources: readonly Resource[], { output, headers }: ResourceFlags): string {
  const wide = output === 'wide';
  const names = ['NAME', 'SHORTNAMES', 'APIVERSION', 'NAMESPACED', 'KIND', ...(wide ? ['VERBS', 'CATEGORIES'] : [])];
  const rows = resources
    .toSorted((left, right) => left.group.localeCompare(right.group) || left.name.localeCompare(right.name))
    .map((one) => [
      one.name,
      one.shortNames.join(','),
      apiVersionOf(one),
      String(one.namespaced),
      one.kind,
      ...(wide ? [one.verbs.join(','), one.categories.join(',')] : []),
    ]);
  return renderColumns(headers ? [names, ...rows] : rows);
}

export const version: Verb = {
  register(program: Command, io: Io): void {
    program
      .command('version')
      .summary('versions of berth and of the server')
      .option('--client', 'only that of berth', false)
      .action(async (flags: { readonly client: boolean }) => {
        io.out.write(`Client Version: v${clientVersion}\n`);
        if (flags.client) return;
        await inSession(program, io, async ({ client }) => {
          const { gitVersion } = await client.json<{ readonly gitVersion: string }>('/version');
          io.out.write(`Server Version: ${gitVersion}\n`);
        });
      });
  },
};
