/**
 * Rule classes: one decorated class a type, its metadata kept by class-validator, read once and compiled to a plain
 * function. class-validator itself can run the same classes on instances; compiled, they run on the plain JSON objects of
 * a request, without instances, at the speed that creates need.
 */
import type { ValidationArguments } from 'class-validator';
import { getMetadataStorage } from 'class-validator/cjs/metadata/MetadataStorage.js';
import { registerDecorator } from 'class-validator/cjs/register-decorator.js';
import type { FieldError } from '../errors.js';
import { Place, type Rule } from './place.js';

/** A class whose fields carry rules; it is never instantiated by us. */
export type RuleClass = new () => object;

interface FieldRule {
  readonly check: Rule<unknown>;
  /** Also for fields that are unset: `Required` and rules that compare fields. */
  readonly evenIfUnset: boolean;
}

/** Accepts a field that may hold `T`. */
type FieldDecorator<T> = <K extends string>(target: { readonly [P in K]?: T | null | undefined }, property: K) => void;

/** Class-validator's name for a rule on the object as a whole. */
const WHOLE = '';

let ruleCount = 0;

function unset(value: unknown): value is undefined | null | '' {
  return value === undefined || value === null || value === '';
}

function register(target: RuleClass, propertyName: string, rule: FieldRule): void {
  const errorsOf = (value: unknown, args: ValidationArguments): readonly FieldError[] => {
    const errors: FieldError[] = [];
    if (rule.evenIfUnset || !unset(value)) {
      rule.check(propertyName === WHOLE ? args.object : value, Place.top(errors).field(args.property, args.object));
    }
    return errors;
  };
  registerDecorator({
    name: `rule${(ruleCount += 1)}`,
    target,
    propertyName,
    constraints: [rule],
    validator: {
      validate: (value: unknown, args: ValidationArguments) => errorsOf(value, args).length === 0,
      defaultMessage: (args: ValidationArguments) => errorsOf(args.value, args)[0]?.message ?? 'broken rule',
    },
  });
}

function fieldDecorator<T>(rule: Rule<T>, evenIfUnset = false): FieldDecorator<T> {
  // A field decorator of an instance gets its prototype; the rule sees values of the declared type, decoding has checked that.
  return (target, property) =>
    register((target as object).constructor as RuleClass, property, { check: rule as Rule<unknown>, evenIfUnset });
}

/** The field must be there; `''` counts as absent, as in Kubernetes. */
export function Required(detail = ''): FieldDecorator<unknown> {
  return fieldDecorator<unknown>((value, at) => {
    if (unset(value)) at.required(detail);
  }, true);
}

/** Like `Required`, and a list must have an element. */
export function NotEmpty(detail = ''): FieldDecorator<readonly unknown[]> {
  return fieldDecorator<readonly unknown[]>((value, at) => {
    if (unset(value) || value.length === 0) at.required(detail);
  }, true);
}

/** Each rule, in order, where the field is set. */
export function Check<T>(...rules: readonly Rule<T>[]): FieldDecorator<T> {
  return fieldDecorator<T>((value, at) => {
    for (const rule of rules) rule(value, at);
  });
}

/** Like `Check`, for a number that must be there: one left out is 0, as in Kubernetes. */
export function CheckNumber<T>(...rules: readonly Rule<T | number>[]): FieldDecorator<T | number> {
  return fieldDecorator<T | number>((value, at) => {
    for (const rule of rules) rule(unset(value) ? 0 : value, at);
  }, true);
}

/** One of the values; the error lists them as given. */
export function OneOf(...values: readonly string[]): FieldDecorator<string> {
  return fieldDecorator<string>((value, at) => {
    if (!values.includes(value)) at.unsupported(value, values);
  });
}

/** The rules of another class on the field. */
export function Nested<T extends object>(ruleClass: () => RuleClass): FieldDecorator<T> {
  return fieldDecorator<T>((value, at) => compiled(ruleClass())(value, at));
}

/** The rules of another class on each element. */
export function Each<T extends object>(ruleClass: () => RuleClass): FieldDecorator<readonly T[]> {
  return fieldDecorator<readonly T[]>((list, at) => {
    const check = compiled(ruleClass());
    for (const [index, item] of list.entries()) check(item, at.index(index, list));
  });
}

/** A rule on each element. */
export function EachValue<T>(...rules: readonly Rule<T>[]): FieldDecorator<readonly T[]> {
  return fieldDecorator<readonly T[]>((list, at) => {
    for (const [index, item] of list.entries()) for (const rule of rules) rule(item, at.index(index, list));
  });
}

/** Elements must differ by a key; the error stands at that key of the later one. */
export function UniqueBy<T extends object>(key: keyof T & string): FieldDecorator<readonly T[]> {
  return fieldDecorator<readonly T[]>((list, at) => {
    const seen = new Set<unknown>();
    for (const [index, item] of list.entries()) {
      const value = item[key];
      if (unset(value)) continue;
      if (seen.has(value)) at.index(index).field(key).duplicate(value);
      seen.add(value);
    }
  });
}

/** Rules on the object as a whole, after those on its fields. */
export function Whole<T extends object>(...rules: readonly Rule<T>[]): (target: RuleClass) => void {
  return (target) => {
    const check: Rule<T> = (value, at) => {
      for (const rule of rules) rule(value, at);
    };
    register(target, WHOLE, { check: check as Rule<unknown>, evenIfUnset: true });
  };
}

const compiledRules = new WeakMap<RuleClass, Rule<object>>();

/** The class's rules as one function on plain objects: fields in the order of the class, decorators from the top down. */
export function compiled(ruleClass: RuleClass): Rule<object> {
  const known = compiledRules.get(ruleClass);
  if (known !== undefined) return known;
  const fresh = compile(ruleClass);
  compiledRules.set(ruleClass, fresh);
  return fresh;
}

function compile(ruleClass: RuleClass): Rule<object> {
  const rules = new Map<string, FieldRule[]>();
  for (const metadata of getMetadataStorage().getTargetValidationMetadatas(ruleClass, '', true, false)) {
    const rule = metadata.constraints[0] as FieldRule; // registered by `register` above, the only source of our metadata
    // TypeScript applies the decorators of a field from the bottom up: put each before those already there.
    rules.set(metadata.propertyName, [rule, ...(rules.get(metadata.propertyName) ?? [])]);
  }
  const whole = rules.get(WHOLE) ?? [];
  rules.delete(WHOLE);
  const fields = [...rules].map(([property, list]) => ({ property, list, always: list.some((rule) => rule.evenIfUnset) }));
  return (object, at) => {
    for (const { property, list, always } of fields) {
      const value = (object as Readonly<Record<string, unknown>>)[property]; // any JSON object can be asked for any field
      const absent = unset(value);
      if (absent && !always) continue;
      const place = at.field(property, object);
      for (const rule of list) if (!absent || rule.evenIfUnset) rule.check(value, place);
    }
    for (const rule of whole) rule.check(object, at);
  };
}
