/** Label selectors: the text form of queries (`a=b,c!=d,e in (x,y),!f`) and the `LabelSelector` objects of specs. */
import type { LabelSelector } from '../generated/types.js';
import { StatusError } from '../errors.js';

export type LabelOperator = 'in' | 'notin' | 'exists' | 'absent' | 'gt' | 'lt';

/** One condition on one label. All conditions of a selector must hold. */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  readonly values: readonly string[];
}

type Labels = Readonly<Record<string, string>> | undefined;

/** Whether labels satisfy every requirement. No requirements: everything matches. */
export function matchesLabels(requirements: readonly LabelRequirement[], labels: Labels): boolean {
  return requirements.every((requirement) => matchesOne(requirement, labels));
}

function matchesOne({ key, operator, values }: LabelRequirement, labels: Labels): boolean {
  const value = labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'in':
      return value !== undefined && values.includes(value);
    case 'notin':
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case 'absent':
      return value === undefined;
    case 'gt':
    case 'lt': {
      if (value === undefined || !/^-?\d+$/.test(value)) return false;
      const limit = Number(values[0]);
      return operator === 'gt' ? Number(value) > limit : Number(value) < limit;
    }
  }
}

const operatorOf: Readonly<Record<string, LabelOperator>> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: 'absent' };

/**
 * Requirements of a `LabelSelector` object; `undefined` where the selector is absent, which selects nothing
 * (an empty selector selects everything). Throws StatusError for an operator that does not exist.
 */
export function labelSelectorRequirements(selector: LabelSelector | undefined): readonly LabelRequirement[] | undefined {
  if (selector === undefined) return undefined;
  const equal = Object.entries(selector.matchLabels ?? {}).map(([key, value]): LabelRequirement => ({
    key,
    operator: 'in',
    values: [value],
  }));
  const expressions = (selector.matchExpressions ?? []).map((expression): LabelRequirement => {
    const operator = operatorOf[expression.operator];
    if (operator === undefined) throw new StatusError('BadRequest', `"${expression.operator}" is not a valid label selector operator`);
    return { key: expression.key, operator, values: expression.values ?? [] };
  });
  return [...equal, ...expressions];
}

/** Whether a `LabelSelector` object selects labels: absent selects nothing, empty selects everything. */
export function selectorMatches(selector: LabelSelector | undefined, labels: Labels): boolean {
  const requirements = labelSelectorRequirements(selector);
  return requirements !== undefined && matchesLabels(requirements, labels);
}

/** Requirements of a plain map of labels (`Service.spec.selector`), in which every pair must be present. */
export function mapRequirements(labels: Labels): readonly LabelRequirement[] {
  return Object.entries(labels ?? {}).map(([key, value]) => ({ key, operator: 'in', values: [value] }));
}

/** The text form that scale subresources and status fields carry: `app=web,tier in (a,b)`. Keys are sorted. */
export function formatLabelSelector(requirements: readonly LabelRequirement[]): string {
  const sorted = [...requirements].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return sorted.map(formatRequirement).join(',');
}

function formatRequirement({ key, operator, values }: LabelRequirement): string {
  const list = [...values].sort().join(',');
  switch (operator) {
    case 'in':
      return values.length === 1 ? `${key}=${values[0]}` : `${key} in (${list})`;
    case 'notin':
      return values.length === 1 ? `${key}!=${values[0]}` : `${key} notin (${list})`;
    case 'exists':
      return key;
    case 'absent':
      return `!${key}`;
    case 'gt':
      return `${key}>${values[0]}`;
    case 'lt':
      return `${key}<${values[0]}`;
  }
}

/** Parses the `labelSelector` of a query. Throws StatusError (BadRequest) with Kubernetes' words. */
export function parseLabelSelector(text: string): readonly LabelRequirement[] {
  const parser = new Parser(text);
  try {
    return parser.parse();
  } catch (error) {
    if (!(error instanceof SelectorSyntaxError)) throw error;
    throw new StatusError('BadRequest', `unable to parse requirement: ${error.message}`);
  }
}

class SelectorSyntaxError extends Error {}

const specialTokens = new Set(['(', ')', ',', '!', '=', '==', '!=', '<', '>']);
const tokenPattern = /\s*(==|!=|[(),!=<>]|[^\s(),!=<>]+)/gy;
const binaryOperators = 'in, notin, =, ==, !=, gt, lt';

class Parser {
  private readonly tokens: readonly string[];
  private at = 0;

  constructor(text: string) {
    this.tokens = [...text.matchAll(tokenPattern)].map((m) => m[1] ?? '');
  }

  parse(): LabelRequirement[] {
    const found: LabelRequirement[] = [];
    if (this.tokens.length === 0) return found;
    for (;;) {
      found.push(this.requirement());
      const next = this.take();
      if (next === undefined) return found;
      if (next !== ',') throw new SelectorSyntaxError(`found '${next}', expected: ',' or 'end of string'`);
      if (this.peek() !== '!' && !this.isIdentifier())
        throw new SelectorSyntaxError(`found '${this.peek() ?? ''}', expected: identifier after ','`);
    }
  }

  private requirement(): LabelRequirement {
    const negated = this.peek() === '!';
    if (negated) this.at++;
    if (!this.isIdentifier())
      throw new SelectorSyntaxError(
        `found '${this.peek() ?? ''}', expected: ${negated ? 'identifier' : "!, identifier, or 'end of string'"}`,
      );
    const key = this.take() ?? '';
    requireLabelKey(key);
    if (negated) return { key, operator: 'absent', values: [] };
    const next = this.peek();
    if (next === undefined || next === ',') return { key, operator: 'exists', values: [] };
    return this.comparison(key);
  }

  private comparison(key: string): LabelRequirement {
    const operator = this.take();
    switch (operator) {
      case '=':
      case '==':
        return { key, operator: 'in', values: [requireLabelValue(key, this.exactValue())] };
      case '!=':
        return { key, operator: 'notin', values: [requireLabelValue(key, this.exactValue())] };
      case '>':
      case '<':
        return { key, operator: operator === '>' ? 'gt' : 'lt', values: [requireInteger(key, this.exactValue())] };
      case 'in':
      case 'notin':
        return { key, operator, values: this.valueSet().map((value) => requireLabelValue(key, value)) };
      default:
        throw new SelectorSyntaxError(`found '${operator ?? ''}', expected: ${binaryOperators}`);
    }
  }

  /** A value may be empty: `key=` and `key=,other`. */
  private exactValue(): string {
    if (this.peek() === undefined || this.peek() === ',') return '';
    if (!this.isIdentifier()) throw new SelectorSyntaxError(`found '${this.peek()}', expected: identifier`);
    return this.take() ?? '';
  }

  private valueSet(): string[] {
    const open = this.take();
    if (open !== '(') throw new SelectorSyntaxError(`found '${open ?? ''}' expected: '('`);
    const values = new Set<string>();
    for (;;) {
      const value = this.isIdentifier() ? (this.take() ?? '') : '';
      values.add(value);
      const next = this.take();
      if (next === ')') return [...values].sort();
      if (next !== ',') throw new SelectorSyntaxError(`found '${next ?? ''}', expected: ',', or ')'`);
    }
  }

  private isIdentifier(): boolean {
    const token = this.peek();
    return token !== undefined && !specialTokens.has(token);
  }
  private peek(): string | undefined {
    return this.tokens[this.at];
  }
  private take(): string | undefined {
    return this.tokens[this.at++];
  }
}

const namePattern = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const prefixPattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const nameRule =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const valueRule =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

function requireLabelKey(key: string): void {
  const slash = key.lastIndexOf('/');
  const name = key.slice(slash + 1);
  const isValid = name.length <= 63 && namePattern.test(name) && (slash < 0 || prefixPattern.test(key.slice(0, slash)));
  if (!isValid) throw new SelectorSyntaxError(`key: Invalid value: "${key}": ${nameRule}`);
}

function requireLabelValue(key: string, value: string): string {
  const isValid = value === '' || (value.length <= 63 && namePattern.test(value));
  if (!isValid) throw new SelectorSyntaxError(`values[0][${key}]: Invalid value: "${value}": ${valueRule}`);
  return value;
}

function requireInteger(key: string, value: string): string {
  if (!/^-?\d+$/.test(value))
    throw new SelectorSyntaxError(`values[0][${key}]: Invalid value: "${value}": for 'Gt', 'Lt' operators, the value must be an integer`);
  return value;
}
