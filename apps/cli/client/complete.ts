/** The words that may follow on a command line: verbs, options, types and names of objects. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { listAll } from './fetch.js';
import type { Session } from './session.js';

/** A shell that waits longer than this feels broken. */
const TIME_MAX_MS = 1_500;

type WithSession = <T>(work: (session: Session) => Promise<T>) => Promise<T>;

/** What verbs take: `types` = types and then names, otherwise names of that one type. */
const objectVerbs: Readonly<Record<string, string>> = {
  get: 'types',
  describe: 'types',
  delete: 'types',
  scale: 'types',
  autoscale: 'types',
  'rollout status': 'types',
  'rollout history': 'types',
  'rollout undo': 'types',
  'rollout restart': 'types',
  'rollout pause': 'types',
  'rollout resume': 'types',
  logs: 'pods',
  exec: 'pods',
  'top pods': 'pods',
  'top nodes': 'nodes',
  cordon: 'nodes',
  uncordon: 'nodes',
  drain: 'nodes',
  'operation show': 'operations.berth.dev',
  'operation follow': 'operations.berth.dev',
  'operation cancel': 'operations.berth.dev',
  'operation retry': 'operations.berth.dev',
};

/** The last word is the one to complete; it may be empty. Never throws: without a cluster there are no names. */
export async function complete(program: Command, words: readonly string[], inSession: WithSession): Promise<readonly string[]> {
  const typed = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const { command, path, positionals } = locate(program, before);
  const fits = (candidates: readonly string[]): readonly string[] =>
    [...new Set(candidates)].filter((word) => word.startsWith(typed)).toSorted();
  if (typed.startsWith('-')) return fits(optionsOf(program, command));
  const subcommands = command.commands.filter((sub) => !sub.name().startsWith('__')).map((sub) => sub.name());
  if (subcommands.length > 0 && positionals.length === 0) return fits([...subcommands, ...(command === program ? ['help'] : [])]);
  const wanted = before.at(-1) === '-n' || before.at(-1) === '--namespace' ? 'namespaces' : objectVerbs[path.join(' ')];
  if (wanted === undefined) return [];
  applyGlobals(program, before);
  const found = inSession((session) => objects(session, { wanted, positionals, typed })).catch(() => []);
  return fits(await Promise.race([found, sleep(TIME_MAX_MS, [], { ref: false })]));
}

interface Located {
  readonly command: Command;
  readonly path: readonly string[];
  readonly positionals: readonly string[];
}

/** Which command the words lead to, and what of them are its arguments. */
function locate(program: Command, words: readonly string[]): Located {
  let command = program;
  const path: string[] = [];
  const positionals: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word.startsWith('-')) {
      if (takesValue(program, command, word)) at++;
      continue;
    }
    const sub = positionals.length === 0 ? command.commands.find((one) => one.name() === word || one.aliases().includes(word)) : undefined;
    if (sub === undefined) positionals.push(word);
    else {
      command = sub;
      path.push(sub.name());
    }
  }
  return { command, path, positionals };
}

function takesValue(program: Command, command: Command, word: string): boolean {
  const option = [...command.options, ...program.options].find(({ short, long }) => short === word || long === word);
  return option !== undefined && option.required;
}

function optionsOf(program: Command, command: Command): readonly string[] {
  return [...command.options, ...program.options].flatMap(({ long }) => (long === undefined || long === null ? [] : [long]));
}

/** The cluster and the namespace that the line names so far. */
function applyGlobals(program: Command, words: readonly string[]): void {
  for (const [name, flags] of [
    ['namespace', ['-n', '--namespace']],
    ['kubeconfig', ['--kubeconfig']],
    ['context', ['--context']],
  ] as const) {
    const at = words.findIndex((word) => (flags as readonly string[]).includes(word));
    if (at >= 0 && words[at + 1] !== undefined) program.setOptionValue(name, words[at + 1]);
  }
}

interface Wanted {
  readonly wanted: string;
  readonly positionals: readonly string[];
  readonly typed: string;
}

async function objects(session: Session, { wanted, positionals, typed }: Wanted): Promise<readonly string[]> {
  const [slashType] = typed.includes('/') ? typed.split('/') : [];
  if (slashType !== undefined) return (await namesOf(session, slashType)).map((name) => `${slashType}/${name}`);
  if (wanted !== 'types') return namesOf(session, wanted);
  const [type] = positionals;
  if (type !== undefined) return namesOf(session, type);
  const all = await session.discovery.all();
  return all.filter(({ verbs }) => verbs.includes('list')).map(({ name }) => name);
}

async function namesOf({ client, discovery, namespace }: Session, type: string): Promise<readonly string[]> {
  const items = await listAll<{ readonly metadata: { readonly name: string } }>(client, await discovery.find(type), { namespace });
  return items.map(({ metadata }) => metadata.name);
}
