/** Where a rule looks, and how it reports what is broken there, in the words of Kubernetes' field errors. */
import type { FieldError } from '../errors.js';

/** A check of one value. It reports through `at` and says nothing when all is well. Called only for values that are set. */
export type Rule<T> = (value: T, at: Place) => void;

/** The words after the path, up to the value, as `field.ErrorType` has them. */
const words = {
  FieldValueRequired: 'Required value',
  FieldValueInvalid: 'Invalid value',
  FieldValueDuplicate: 'Duplicate value',
  FieldValueForbidden: 'Forbidden',
  FieldValueNotSupported: 'Unsupported value',
  FieldValueNotFound: 'Not found',
  FieldValueTooLong: 'Too long',
  FieldValueTooMany: 'Too many',
  FieldValueTypeInvalid: 'Invalid value',
  InternalError: 'Internal error',
} as const satisfies Record<FieldError['type'], string>;

/** Kubernetes prints the value as JSON: strings in quotes, an absent value as `null`. */
function shown(value: unknown): string {
  return value === undefined ? 'null' : JSON.stringify(value);
}

/** One field of the object under validation. Its path is put together only when there is something to report. */
export class Place {
  private constructor(
    private readonly errors: FieldError[],
    /** The object that holds this field: what cross-field rules compare with. `undefined` at the top. */
    readonly owner: object | undefined,
    private readonly parent: Place | undefined,
    private readonly segment: string,
  ) {}

  /** The object as a whole; errors are appended to `errors` in the order found. */
  static top(errors: FieldError[]): Place {
    return new Place(errors, undefined, undefined, '');
  }

  field(name: string, owner?: object): Place {
    return new Place(this.errors, owner, this, this.parent === undefined ? name : `.${name}`);
  }

  /** Several steps down: `at.down('spec', 'template')`. */
  down(...names: readonly string[]): Place {
    return names.reduce<Place>((at, name) => at.field(name), this);
  }

  index(index: number, owner?: object): Place {
    return new Place(this.errors, owner, this, `[${index}]`);
  }

  key(key: string, owner?: object): Place {
    return new Place(this.errors, owner, this, `[${key}]`);
  }

  get path(): string {
    return this.parent === undefined ? this.segment : this.parent.path + this.segment;
  }

  required(detail = ''): void {
    this.add('FieldValueRequired', '', detail);
  }

  invalid(value: unknown, detail: string): void {
    this.add('FieldValueInvalid', `: ${shown(value)}`, detail);
  }

  /** One error for each message. */
  invalidEach(value: unknown, messages: readonly string[]): void {
    for (const message of messages) this.invalid(value, message);
  }

  unsupported(value: unknown, supported: readonly string[]): void {
    this.add('FieldValueNotSupported', `: ${shown(value)}`, `supported values: ${supported.map(shown).join(', ')}`);
  }

  duplicate(value: unknown): void {
    this.add('FieldValueDuplicate', `: ${shown(value)}`, '');
  }

  notFound(value: unknown): void {
    this.add('FieldValueNotFound', `: ${shown(value)}`, '');
  }

  forbidden(detail: string): void {
    this.add('FieldValueForbidden', '', detail);
  }

  tooLong(bytesMax: number): void {
    this.add('FieldValueTooLong', '', `may not be more than ${bytesMax} bytes`);
  }

  tooMany(actual: number, itemsMax: number): void {
    this.add('FieldValueTooMany', `: ${actual}`, `must have at most ${itemsMax} items`);
  }

  private add(type: FieldError['type'], value: string, detail: string): void {
    this.errors.push({ path: this.path, type, message: words[type] + value + (detail === '' ? '' : `: ${detail}`) });
  }
}
