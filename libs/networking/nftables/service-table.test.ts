import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { renderServiceChange, renderServices } from '../index.js';
import type { ServiceFrontend, ServiceRules } from '../index.js';

const options = { clusterCidr: '10.244.0.0/16', serviceCidr: '10.96.0.0/16', dnsAddress: '10.96.0.10' };

function frontend(change: Partial<ServiceFrontend> = {}): ServiceFrontend {
  return {
    kind: 'address',
    address: '10.96.0.20',
    port: 80,
    protocol: 'TCP',
    service: 'default/web:http',
    backends: [{ address: '10.244.1.2', port: 8080 }],
    local: false,
    whenEmpty: 'reject',
    ...change,
  };
}
const two = [
  { address: '10.244.1.2', port: 8080 },
  { address: '10.244.2.3', port: 8080 },
];

function change(before: readonly ServiceFrontend[], after: readonly ServiceFrontend[]): readonly string[] {
  return renderServiceChange('t', options, { before: { frontends: before }, after: { frontends: after } });
}

describe('renderServiceChange', () => {
  test('a new backend rewrites the chain of its frontend and nothing else', () => {
    const other = frontend({ address: '10.96.0.21' });
    expect(change([frontend(), other], [frontend({ backends: two }), other])).toEqual([
      'flush chain ip t to/10.96.0.20/tcp/80',
      'add rule ip t to/10.96.0.20/tcp/80 ip saddr != 10.244.0.0/16 meta mark set meta mark | 0x4000',
      'add rule ip t to/10.96.0.20/tcp/80 meta l4proto tcp dnat ip to numgen random mod 2 map { 0 : 10.244.1.2 . 8080, 1 : 10.244.2.3 . 8080 }',
    ]);
  });

  test('equal rules give no commands', () => {
    expect(change([frontend({ backends: two })], [frontend({ backends: [...two] })])).toEqual([]);
  });

  test('a frontend that loses its last backend refuses, before its chain goes', () => {
    expect(change([frontend()], [frontend({ backends: [] })])).toEqual([
      'delete element ip t services { 10.96.0.20 . tcp . 80 }',
      'add element ip t refused { 10.96.0.20 . tcp . 80 : goto refuse }',
      'flush chain ip t to/10.96.0.20/tcp/80',
      'delete chain ip t to/10.96.0.20/tcp/80',
    ]);
  });

  test('a removed Service leaves nothing in the table', () => {
    const affine = frontend({ backends: two, affinitySeconds: 10 });
    const commands = change([affine], []);
    expect(commands[0]).toBe('delete element ip t services { 10.96.0.20 . tcp . 80 }');
    expect(commands.filter((command) => command.startsWith('delete chain'))).toHaveLength(3);
    expect(commands.filter((command) => command.startsWith('delete set'))).toHaveLength(2);
  });

  test('affinity keeps what staying backends remember', () => {
    const before = frontend({ backends: two, affinitySeconds: 10 });
    const after = frontend({ backends: [two[1]!, { address: '10.244.3.4', port: 8080 }], affinitySeconds: 10 });
    const commands = change([before], [after]);
    expect(commands.filter((command) => /(add|delete) set/.test(command))).toEqual([
      expect.stringContaining('add set ip t clients/10/10.96.0.20/tcp/80/10.244.3.4/8080'),
      'delete set ip t clients/10/10.96.0.20/tcp/80/10.244.1.2/8080',
    ]);
  });
});

/** A small reading of nftables: applies commands, throws where the kernel would (unknown or referenced names). */
function applyCommands(state: Map<string, string[]>, commands: readonly string[]): void {
  for (const command of commands) {
    const [, verb = '', kind = '', name = '', rest = ''] = /^(\w+) (\w+) ip t ?(\S*) ?(.*)$/s.exec(command) ?? [];
    if (kind === 'table') {
      if (verb === 'delete') state.clear();
      continue;
    }
    const object = `${kind === 'rule' ? 'chain' : kind === 'element' || kind === 'map' ? 'set' : kind} ${name}`;
    if (verb === 'add' && kind !== 'rule' && kind !== 'element') {
      if (state.has(object)) throw new Error(`exists: ${object}`);
      state.set(object, []);
      continue;
    }
    const lines = state.get(object);
    if (lines === undefined) throw new Error(`unknown: ${object} in ${command}`);
    for (const target of rest.matchAll(/goto ([\w./-]+)/g)) {
      if (!state.has(`chain ${target[1]}`)) throw new Error(`goes nowhere: ${command}`);
    }
    if (verb === 'add') lines.push(...(kind === 'element' ? rest.slice(2, -2).split(', ') : [rest]));
    if (verb === 'flush') lines.length = 0;
    if (verb === 'delete' && kind === 'element') {
      const keys = new Set(rest.slice(2, -2).split(', '));
      for (const key of keys) {
        const at = lines.findIndex((line) => line === key || line.startsWith(`${key} : `));
        if (at < 0) throw new Error(`no element: ${key}`);
        lines.splice(at, 1);
      }
    } else if (verb === 'delete') {
      const pointer = new RegExp(`(goto |@)${name}( |$)`);
      for (const other of state.values()) if (other.some((line) => pointer.test(line))) throw new Error(`busy: ${command}`);
      state.delete(object);
    }
  }
}

const arbitraryRules: fc.Arbitrary<ServiceRules> = fc
  .uniqueArray(
    fc.record({
      kind: fc.constantFrom('address' as const, 'node-port' as const),
      port: fc.integer({ min: 1, max: 4 }),
      backends: fc.subarray([...two, { address: '10.244.3.4', port: 1 }]),
      local: fc.boolean(),
      insideBackends: fc.option(fc.subarray(two), { nil: undefined }),
      affinitySeconds: fc.option(fc.constantFrom(5, 10), { nil: undefined }),
      whenEmpty: fc.constantFrom('drop' as const, 'reject' as const),
      protocol: fc.constantFrom('TCP' as const, 'UDP' as const),
    }),
    { selector: (one) => `${one.kind}${one.port}${one.protocol}`, maxLength: 6 },
  )
  .map((ones) => ({
    frontends: ones.map((one) => ({ ...one, service: 'a/b:c', ...(one.kind === 'address' ? { address: '10.96.0.20' } : {}) })),
  }));

test('any sequence of transactions gives the table that rendering it at once gives', () => {
  fc.assert(
    fc.property(fc.array(arbitraryRules, { minLength: 2, maxLength: 5 }), (versions) => {
      const state = new Map<string, string[]>();
      applyCommands(state, renderServices('t', options, versions[0]!));
      versions.slice(1).forEach((after, index) => {
        applyCommands(state, renderServiceChange('t', options, { before: versions[index]!, after }));
      });
      const fresh = new Map<string, string[]>();
      applyCommands(fresh, renderServices('t', options, versions.at(-1)!));
      const unordered = (from: Map<string, string[]>) =>
        new Map([...from].map(([name, lines]) => [name, name.startsWith('set') ? new Set(lines) : lines]));
      expect(unordered(state)).toEqual(unordered(fresh));
    }),
  );
});
