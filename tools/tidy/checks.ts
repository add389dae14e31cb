/**
 * The rules of the house that no linter knows, as pure functions from a file's path and text to findings. `main.ts` runs
 * them over the tree, `checks.test.ts` over small texts.
 */
export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

export interface SourceFile {
  /** Relative to the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export const FILE_LINES_MAX = 500;
export const TEST_LINES_MAX = 600;
export const README_LINES_MAX = 60;

/** Pure libs: no host access, no clock, no chance. Order = layer; a lib may import those of a lower or equal layer. */
const layerOf: Readonly<Record<string, number>> = {
  kit: 0,
  api: 1,
  storage: 2,
  networking: 2,
  autoscaler: 4,
  reconciling: 4,
  apiserver: 4,
  scheduler: 5,
  controllers: 5,
  agent: 7,
  gateway: 6,
  operations: 6,
  simulation: 8,
};

const bannedInPureCode: readonly { readonly pattern: RegExp; readonly why: string }[] = [
  { pattern: /\bDate\.now\(|\bnew Date\(\s*\)/, why: 'time is an argument: take a Clock or an Instant (libs/kit)' },
  { pattern: /\bMath\.random\(/, why: 'chance is an argument: take a Random (libs/kit)' },
  { pattern: /\bperformance\.now\(/, why: 'time is an argument: take a Clock (libs/kit)' },
  { pattern: /from 'node:/, why: 'pure libs have no host access: define a port and implement it under libs/adapters' },
  { pattern: /\b(?:setTimeout|setInterval|setImmediate)\(/, why: 'timers come through Clock.schedule (libs/kit)' },
  { pattern: /\bprocess\.(?:env|exit|hrtime|pid)\b/, why: 'pure libs do not see the process' },
];

/** `libs/scheduler/x.ts` -> `scheduler`; undefined for adapters, apps, tools and tests. */
export function pureLibOf(path: string): string | undefined {
  const match = /^libs\/([^/]+)\//.exec(path);
  return match?.[1] === undefined || match[1] === 'adapters' || isTest(path) ? undefined : match[1];
}

function isTest(path: string): boolean {
  return /\.(?:test|contract|bench)\.ts$/.test(path) || path.startsWith('test/');
}

function lines(file: SourceFile, check: (text: string, line: number) => string | undefined): Finding[] {
  return file.text.split('\n').flatMap((text, index) => {
    const message = check(text, index + 1);
    return message === undefined ? [] : [{ path: file.path, line: index + 1, message }];
  });
}

export function checkBannedGlobals(file: SourceFile): readonly Finding[] {
  if (pureLibOf(file.path) === undefined || file.path === 'libs/kit/time.ts') return [];
  return lines(file, (text) => {
    if (/^\s*(?:\*|\/\/|\/\*)/.test(text)) return undefined;
    return bannedInPureCode.find((ban) => ban.pattern.test(text))?.why;
  });
}

/** `../../storage/index.js` seen from `libs/controllers/x/y.ts` -> `libs/storage/index.js`. */
export function resolveImport(from: string, specifier: string): string {
  const parts = from.split('/').slice(0, -1);
  for (const part of specifier.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}

export function checkBoundaries(file: SourceFile): readonly Finding[] {
  const area = file.path.split('/')[0] ?? '';
  if (area !== 'libs' && area !== 'apps') return [];
  return lines(file, (text) => {
    const specifier = /(?:from|import\() ?'(\.[^']+)'/.exec(text)?.[1];
    return specifier === undefined ? undefined : boundaryBroken(file.path, resolveImport(file.path, specifier));
  });
}

function boundaryBroken(from: string, to: string): string | undefined {
  const [area, lib] = to.split('/');
  if (from.startsWith('apps/')) return undefined;
  if (area !== 'libs' || lib === undefined) return `libs never import ${area ?? to}: arrows point down only`;
  const own = /^libs\/([^/]+)\//.exec(from)?.[1];
  if (own === 'adapters' || isTest(from)) return undefined;
  if (lib === 'adapters') return 'a pure lib does not know its adapters: define a port';
  if (own === undefined || own === lib) return undefined;
  if (!/^libs\/[^/]+\/(?:index|light|testing\/index)\.js$/.test(to)) return `import ${lib} through libs/${lib}/index.js`;
  const [ownLayer, libLayer] = [layerOf[own], layerOf[lib]];
  if (ownLayer === undefined || libLayer === undefined)
    return `name the layer of libs/${ownLayer === undefined ? own : lib} in tools/tidy/checks.ts`;
  return libLayer > ownLayer ? `libs/${own} (layer ${ownLayer}) must not import libs/${lib} (layer ${libLayer})` : undefined;
}

export function checkLength(file: SourceFile): readonly Finding[] {
  const count = file.text.split('\n').length - 1;
  const max =
    file.path.endsWith('README.md') && file.path.startsWith('libs/')
      ? README_LINES_MAX
      : isTest(file.path)
        ? TEST_LINES_MAX
        : FILE_LINES_MAX;
  const counted = file.path.endsWith('.ts') || (file.path.endsWith('README.md') && file.path.startsWith('libs/'));
  return counted && count > max ? [{ path: file.path, line: count, message: `${count} lines, at most ${max}: split it by behaviour` }] : [];
}

export function checkMarkers(file: SourceFile): readonly Finding[] {
  if (!file.path.endsWith('.ts') || file.path.startsWith('tools/tidy/')) return [];
  return lines(file, (text) => {
    if (/\bFIXME\b/.test(text)) return 'FIXME does not land';
    if (/\bTODO\b(?!\(#\d+\))/.test(text)) return 'a TODO names its issue: TODO(#123)';
    return undefined;
  });
}

export function checkTitle(file: SourceFile): readonly Finding[] {
  if (!file.path.endsWith('.md')) return [];
  let fenced = false;
  const titles = file.text.split('\n').filter((line) => {
    if (line.startsWith('```')) fenced = !fenced;
    return !fenced && line.startsWith('# ');
  });
  return titles.length === 1 ? [] : [{ path: file.path, line: 1, message: `one "# title" a document, this has ${titles.length}` }];
}

/** Relative links of Markdown must lead to a file; `exists` answers for paths relative to the root. */
export function checkLinks(file: SourceFile, exists: (path: string) => boolean): readonly Finding[] {
  if (!file.path.endsWith('.md')) return [];
  return lines(file, (text) => {
    for (const match of text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)) {
      const target = resolveImport(file.path, match[1] ?? '');
      if (!exists(target)) return `link to ${target}, which does not exist`;
    }
    return undefined;
  });
}
