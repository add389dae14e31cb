/** Runs JSONPath templates over objects, with kubectl's way of writing the results. */
import { sorted } from './structured.js';
import { parsePath, parseTemplate, type Operand, type Path, type Step, type TemplateNode } from './json-path-parse.js';

export type Template = (data: unknown) => string;

/** Fields that are missing yield nothing. Throws CliError (usage) for a template that is wrong. */
export function compileTemplate(text: string): Template {
  const nodes = parseTemplate(text);
  return (data) => renderNodes(nodes, data, data);
}

/** All values at a single path: `.metadata.name` or `{.metadata.name}`. */
export function compilePath(text: string): (data: unknown) => readonly unknown[] {
  const bare = text.startsWith('{') && text.endsWith('}') ? text.slice(1, -1) : text;
  const path = parsePath(/^[.[$]/.test(bare) ? bare : `.${bare}`);
  return (data) => valuesAt(path, data, data);
}

function renderNodes(nodes: readonly TemplateNode[], root: unknown, current: unknown): string {
  return nodes
    .map((node) => {
      if (node.is === 'text') return node.text;
      const values = valuesAt(node.path, root, current);
      if (node.is === 'path') return values.map(textOf).join(' ');
      const items = values.length === 1 && Array.isArray(values[0]) ? (values[0] as readonly unknown[]) : values;
      return items.map((item) => renderNodes(node.body, root, item)).join('');
    })
    .join('');
}

/** Strings as they are, everything else as compact JSON; null prints nothing. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === null || value === undefined ? '' : JSON.stringify(sorted(value));
}

function valuesAt(path: Path, root: unknown, current: unknown): readonly unknown[] {
  return path.steps.reduce<readonly unknown[]>(
    (values, step) => values.flatMap((value) => apply(step, value, root)),
    [path.fromRoot ? root : current],
  );
}

function apply(step: Step, value: unknown, root: unknown): readonly unknown[] {
  switch (step.is) {
    case 'field':
      return fieldOf(value, step.name);
    case 'wildcard':
      return childrenOf(value);
    case 'descend':
      return descendants(value);
    case 'index':
      return Array.isArray(value) ? [value.at(step.at)].filter((item) => item !== undefined) : [];
    case 'slice':
      return Array.isArray(value) ? value.slice(step.from, step.to).filter((_, index) => index % step.by === 0) : [];
    case 'union':
      return step.of.flatMap((path) => valuesAt(path, root, value));
    case 'filter':
      return childrenOf(value).filter((item) => passes(step, item, root));
  }
}

function fieldOf(value: unknown, name: string): readonly unknown[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name)) return [];
  const found = (value as Readonly<Record<string, unknown>>)[name];
  return found === undefined ? [] : [found];
}

function childrenOf(value: unknown): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return Array.isArray(value) ? (value as readonly unknown[]) : Object.values(value);
}

function descendants(value: unknown): readonly unknown[] {
  return [value, ...childrenOf(value).flatMap(descendants)];
}

function passes({ left, operator, right }: Extract<Step, { is: 'filter' }>, item: unknown, root: unknown): boolean {
  const [leftValue] = operandValues(left, item, root);
  if (operator === undefined || right === undefined) return operandValues(left, item, root).length > 0;
  const [rightValue] = operandValues(right, item, root);
  if (leftValue === undefined || rightValue === undefined) return false;
  return compare(leftValue, operator, rightValue);
}

function operandValues(operand: Operand, item: unknown, root: unknown): readonly unknown[] {
  return 'literal' in operand ? [operand.literal] : valuesAt(operand.path, root, item);
}

function compare(left: unknown, operator: string, right: unknown): boolean {
  const isNumeric = typeof left === 'number' && typeof right === 'number';
  const [a, b] = isNumeric ? [left, right] : [textOf(left), textOf(right)];
  if (operator === '==') return a === b;
  if (operator === '!=') return a !== b;
  if (operator === '<') return a < b;
  if (operator === '<=') return a <= b;
  return operator === '>' ? a > b : a >= b;
}
