/**
 * Reads kubectl's JSONPath templates into steps. The dialect: text around `{...}`, `{range ...}{end}`, quoted text,
 * `.field`, `['field']`, `[0]`, `[-1:]`, `[0:4:2]`, `[*]`, `..field`, `[a,b]`, `[?(@.x=="y")]`.
 */
import { CliError, exitCodes } from '../errors.js';

export type Step =
  | { readonly is: 'field'; readonly name: string }
  | { readonly is: 'wildcard' }
  | { readonly is: 'descend' }
  | { readonly is: 'index'; readonly at: number }
  | { readonly is: 'slice'; readonly from?: number; readonly to?: number; readonly by: number }
  | { readonly is: 'union'; readonly of: readonly Path[] }
  | { readonly is: 'filter'; readonly left: Operand; readonly operator: string | undefined; readonly right: Operand | undefined };

export interface Path {
  readonly steps: readonly Step[];
  /** `$`: from the whole document, not from the current item of a range. */
  readonly fromRoot: boolean;
}

export type Operand = { readonly literal: unknown } | { readonly path: Path };

export type TemplateNode =
  | { readonly is: 'text'; readonly text: string }
  | { readonly is: 'path'; readonly path: Path }
  | { readonly is: 'range'; readonly path: Path; readonly body: readonly TemplateNode[] };

const OPERATORS = ['==', '!=', '<=', '>=', '<', '>'] as const;

/** Throws CliError (usage). `.metadata.name` is accepted for `{.metadata.name}`. */
export function parseTemplate(text: string): readonly TemplateNode[] {
  const template = text.includes('{')
    ? text
    : `{${text.startsWith('.') || text.startsWith('[') || text.startsWith('$') ? text : `.${text}`}}`;
  const parser = new TemplateParser(template);
  return parser.nodes(false);
}

function wrong(template: string, why: string): CliError {
  return new CliError(`error parsing jsonpath ${template}, ${why}`, exitCodes.usage, 'For example: -o jsonpath={.items[*].metadata.name}');
}

class TemplateParser {
  private at = 0;

  constructor(private readonly text: string) {}

  nodes(inRange: boolean): readonly TemplateNode[] {
    const nodes: TemplateNode[] = [];
    while (this.at < this.text.length) {
      const open = this.text.indexOf('{', this.at);
      if (open !== this.at) nodes.push({ is: 'text', text: this.text.slice(this.at, open < 0 ? undefined : open) });
      if (open < 0) break;
      const inner = this.action(open);
      if (inner === 'end') {
        if (!inRange) throw wrong(this.text, 'not in range, nothing to end');
        return nodes;
      }
      nodes.push(...this.actionNodes(inner));
    }
    if (inRange) throw wrong(this.text, 'unclosed range: {end} is missing');
    return nodes;
  }

  private actionNodes(inner: string): readonly TemplateNode[] {
    if (/^range\s/.test(inner)) {
      const path = parsePath(inner.slice('range'.length).trim(), this.text);
      return [{ is: 'range', path, body: this.nodes(true) }];
    }
    return splitWords(inner).map((word) =>
      isQuoted(word) ? { is: 'text', text: unquote(word) } : { is: 'path', path: parsePath(word, this.text) },
    );
  }

  /** The text between braces, quotes respected; moves behind the closing one. */
  private action(open: number): string {
    const close = endOf(this.text, open + 1, '}');
    if (close < 0) throw wrong(this.text, 'unclosed action: } is missing');
    this.at = close + 1;
    return this.text.slice(open + 1, close).trim();
  }
}

/** Position of the first `closing` outside quotes and nested brackets; -1 where there is none. */
function endOf(text: string, from: number, closing: string): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const char = text[at] ?? '';
    if (char === closing && depth === 0) return at;
    if (char === '\\') at++;
    else if (char === '"' || char === "'") {
      at = closingQuote(text, at);
      if (at < 0) return -1;
    } else if (char === '[' || char === '(') depth++;
    else if (char === ']' || char === ')') depth--;
  }
  return -1;
}

function closingQuote(text: string, open: number): number {
  for (let at = open + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === text[open]) return at;
  }
  return -1;
}

function isQuoted(word: string): boolean {
  return /^(["']).*\1$/s.test(word);
}

function unquote(word: string): string {
  return word.slice(1, -1).replaceAll(/\\(.)/gs, (_, char: string) => ({ n: '\n', t: '\t', r: '\r' })[char] ?? char);
}

/** Words of `{"a" .b}`, quotes and brackets kept together. */
function splitWords(text: string): readonly string[] {
  const words: string[] = [];
  for (let rest = text.trim(); rest !== '';) {
    const end = endOf(rest, 0, ' ');
    words.push(end < 0 ? rest : rest.slice(0, end));
    rest = end < 0 ? '' : rest.slice(end).trim();
  }
  return words;
}

/** Throws CliError (usage). */
export function parsePath(text: string, template = text): Path {
  const fromRoot = text.startsWith('$');
  const steps: Step[] = [];
  let rest = text.replace(/^[$@]/, '');
  while (rest !== '') {
    const step = nextStep(rest, template);
    steps.push(...step.steps);
    rest = step.rest;
  }
  return { steps, fromRoot };
}

function nextStep(text: string, template: string): { readonly steps: readonly Step[]; readonly rest: string } {
  if (text.startsWith('[')) {
    const close = endOf(text, 1, ']');
    if (close < 0) throw wrong(template, 'unterminated array: ] is missing');
    return { steps: [bracketStep(text.slice(1, close).trim(), template)], rest: text.slice(close + 1) };
  }
  if (text.startsWith('..')) {
    const rest = text.slice(2);
    return { steps: [{ is: 'descend' }], rest: /^[.[]/.test(rest) || rest === '' ? rest : `.${rest}` };
  }
  const match = /^\.?((?:\\.|[^.[\]\\\s])*)/s.exec(text);
  const [whole = '', name = ''] = match ?? [];
  if (whole === '') throw wrong(template, `unrecognized character in action: ${JSON.stringify(text[0])}`);
  const steps: readonly Step[] =
    name === '' ? [] : name === '*' ? [{ is: 'wildcard' }] : [{ is: 'field', name: name.replaceAll(/\\(.)/gs, '$1') }];
  return { steps, rest: text.slice(whole.length) };
}

function bracketStep(text: string, template: string): Step {
  if (text === '*') return { is: 'wildcard' };
  if (text.startsWith('?(') && text.endsWith(')')) return filterStep(text.slice(2, -1).trim(), template);
  const parts = splitUnion(text);
  if (parts.length > 1) return { is: 'union', of: parts.map((part) => ({ steps: [bracketStep(part, template)], fromRoot: false })) };
  if (isQuoted(text)) return { is: 'field', name: unquote(text) };
  if (/^-?\d+$/.test(text)) return { is: 'index', at: Number(text) };
  const slice = /^(-?\d+)?:(-?\d+)?(?::(\d+))?$/.exec(text);
  if (slice === null) throw wrong(template, `invalid array index ${text}`);
  const [, from, to, by] = slice;
  return {
    is: 'slice',
    ...(from !== undefined && { from: Number(from) }),
    ...(to !== undefined && { to: Number(to) }),
    by: Number(by ?? 1),
  };
}

function splitUnion(text: string): readonly string[] {
  const parts: string[] = [];
  let rest = text;
  for (let end = endOf(rest, 0, ','); end >= 0; end = endOf(rest, 0, ',')) {
    parts.push(rest.slice(0, end).trim());
    rest = rest.slice(end + 1);
  }
  return [...parts, rest.trim()];
}

function filterStep(text: string, template: string): Step {
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '"' || text[at] === "'") at = Math.max(at, closingQuote(text, at));
    const operator = OPERATORS.find((one) => text.startsWith(one, at));
    if (operator !== undefined)
      return {
        is: 'filter',
        left: operand(text.slice(0, at).trim(), template),
        operator,
        right: operand(text.slice(at + operator.length).trim(), template),
      };
  }
  return { is: 'filter', left: operand(text, template), operator: undefined, right: undefined };
}

function operand(text: string, template: string): Operand {
  if (isQuoted(text)) return { literal: unquote(text) };
  if (/^-?\d+(\.\d+)?$/.test(text)) return { literal: Number(text) };
  if (text === 'true' || text === 'false') return { literal: text === 'true' };
  if (/^[@.$]/.test(text)) return { path: parsePath(text, template) };
  throw wrong(template, `unrecognized identifier ${text}`);
}
