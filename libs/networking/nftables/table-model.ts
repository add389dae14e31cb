/**
 * An nftables table as data, and the transaction that turns one such table into another. Knows nftables' rules of
 * reference (a chain goes after the elements and rules that jump to it), and nothing of Services.
 */
export interface TableModel {
  /** Name -> declaration between the braces. `kind` is the nft word. */
  readonly sets: ReadonlyMap<string, { readonly kind: 'set' | 'map'; readonly declaration: string }>;
  /** Name -> chain. `declaration` is empty for regular chains and holds type and hook of base chains. */
  readonly chains: ReadonlyMap<string, { readonly declaration: string; readonly rules: readonly string[] }>;
  /** Name of set or map -> key -> value; the value is empty in a set. */
  readonly elements: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

export const EMPTY_TABLE: TableModel = { sets: new Map(), chains: new Map(), elements: new Map() };

/** How many elements go in one command; a limit on the length of lines, not on what can be stored. */
const ELEMENTS_PER_COMMAND = 500;

/** Commands for one atomic `nft -f` run. Empty when the tables are equal. Sets and base chains never change in place. */
export function renderTransaction(table: string, before: TableModel, after: TableModel): readonly string[] {
  return [
    ...addedSets(table, before, after),
    ...addedChains(table, before, after),
    ...changedRules(table, before, after),
    ...changedElements(table, before, after),
    ...removedChains(table, before, after),
    ...[...before.sets].filter(([name]) => !after.sets.has(name)).map(([name, { kind }]) => `delete ${kind} ip ${table} ${name}`),
  ];
}

/** Commands that replace whatever stands under the name by `model`, without a moment in between. */
export function renderReplacement(table: string, model: TableModel): readonly string[] {
  return [`add table ip ${table}`, `delete table ip ${table}`, `add table ip ${table}`, ...renderTransaction(table, EMPTY_TABLE, model)];
}

export function renderRemoval(table: string): readonly string[] {
  return [`add table ip ${table}`, `delete table ip ${table}`];
}

function addedSets(table: string, before: TableModel, after: TableModel): readonly string[] {
  return [...after.sets]
    .filter(([name]) => !before.sets.has(name))
    .map(([name, set]) => `add ${set.kind} ip ${table} ${name} { ${set.declaration} }`);
}

function addedChains(table: string, before: TableModel, after: TableModel): readonly string[] {
  return [...after.chains]
    .filter(([name]) => !before.chains.has(name))
    .map(([name, chain]) => `add chain ip ${table} ${name}${chain.declaration === '' ? '' : ` { ${chain.declaration} }`}`);
}

function changedRules(table: string, before: TableModel, after: TableModel): readonly string[] {
  return [...after.chains].flatMap(([name, chain]) => {
    const old = before.chains.get(name);
    if (old !== undefined && old.rules.join('\n') === chain.rules.join('\n')) return [];
    const added = chain.rules.map((rule) => `add rule ip ${table} ${name} ${rule}`);
    return old === undefined ? added : [`flush chain ip ${table} ${name}`, ...added];
  });
}

function changedElements(table: string, before: TableModel, after: TableModel): readonly string[] {
  const names = new Set([...before.elements.keys(), ...after.elements.keys()]);
  return [...names].flatMap((name) => {
    const old = before.elements.get(name) ?? new Map<string, string>();
    const wanted = after.elements.get(name) ?? new Map<string, string>();
    const gone = before.sets.has(name) && !after.sets.has(name) ? [] : [...old].filter(([key, value]) => wanted.get(key) !== value);
    const added = [...wanted].filter(([key, value]) => old.get(key) !== value);
    return [
      ...inGroups(gone.map(([key]) => key)).map((keys) => `delete element ip ${table} ${name} { ${keys} }`),
      ...inGroups(added.map(([key, value]) => (value === '' ? key : `${key} : ${value}`))).map(
        (texts) => `add element ip ${table} ${name} { ${texts} }`,
      ),
    ];
  });
}

/** All are emptied before the first is deleted: chains may jump to each other. */
function removedChains(table: string, before: TableModel, after: TableModel): readonly string[] {
  const names = [...before.chains.keys()].filter((name) => !after.chains.has(name));
  return [...names.map((name) => `flush chain ip ${table} ${name}`), ...names.map((name) => `delete chain ip ${table} ${name}`)];
}

function inGroups(texts: readonly string[]): readonly string[] {
  const groups: string[] = [];
  for (let start = 0; start < texts.length; start += ELEMENTS_PER_COMMAND) {
    groups.push(texts.slice(start, start + ELEMENTS_PER_COMMAND).join(', '));
  }
  return groups;
}
