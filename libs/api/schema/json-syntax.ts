/**
 * Says what is wrong with a text that is no JSON, in the words of Go's decoder (`invalid character 'x' looking for
 * beginning of value`). Runs only after `JSON.parse` has refused the text; it keeps its own stack, so depth is no danger.
 */

/** What may come next: a value, the first member of an object, a key, a colon, or what follows a value. */
type Expectation = 'value' | 'first-item' | 'first-key' | 'key' | 'colon' | 'after-value' | 'end';

const contexts: Readonly<Record<Expectation, string>> = {
  value: 'looking for beginning of value',
  'first-item': 'looking for beginning of value',
  'first-key': 'looking for beginning of object key string',
  key: 'looking for beginning of object key string',
  colon: 'after object key',
  'after-value': '',
  end: 'after top-level value',
};

const literalPattern = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const stringPattern = /"(?:[^"\\\p{Cc}]|[\u007f-\u009f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy;
const UNEXPECTED_END = 'unexpected end of JSON input';

function quote(character: string): string {
  return character === "'" ? `'\\''` : character === '"' ? `'"'` : `'${JSON.stringify(character).slice(1, -1)}'`;
}

class SyntaxFinder {
  private at = 0;
  private next: Expectation = 'value';
  private readonly open: ('{' | '[')[] = [];

  constructor(private readonly text: string) {}

  find(): string {
    for (;;) {
      while (/^[\x20\t\r\n]$/.test(this.text[this.at] ?? '')) this.at++;
      const character = this.text[this.at];
      if (character === undefined) return UNEXPECTED_END;
      const problem = this.step(character);
      if (problem !== undefined) return problem;
    }
  }

  private step(character: string): string | undefined {
    switch (this.next) {
      case 'colon':
        return character === ':' ? this.moveOn(1, 'value') : this.problem(character);
      case 'first-key':
        if (character === '}') return this.close();
        return character === '"' ? this.token(stringPattern, 'colon') : this.problem(character);
      case 'key':
        return character === '"' ? this.token(stringPattern, 'colon') : this.problem(character);
      case 'after-value':
        return this.afterValue(character);
      case 'first-item':
        return character === ']' ? this.close() : this.value(character);
      case 'value':
        return this.value(character);
      case 'end':
        return this.problem(character);
    }
  }

  private value(character: string): string | undefined {
    if (character === '{' || character === '[') {
      this.open.push(character);
      return this.moveOn(1, character === '{' ? 'first-key' : 'first-item');
    }
    if (character === '"') return this.token(stringPattern, this.following());
    if (/[-0-9tfn]/.test(character)) return this.token(literalPattern, this.following());
    return this.problem(character);
  }

  private token(pattern: RegExp, next: Expectation): string | undefined {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (match !== null) return this.moveOn(match[0].length, next);
    if (pattern === stringPattern) return this.stringProblem();
    const broken = /^[-+.\w]*/.exec(this.text.slice(this.at + 1))?.[0].length ?? 0;
    const bad = this.text[this.at + 1 + broken];
    return bad === undefined ? UNEXPECTED_END : `invalid character ${quote(this.text[this.at + 1] ?? bad)} in literal`;
  }

  private stringProblem(): string {
    for (let i = this.at + 1; i < this.text.length; i++) {
      const character = this.text[i] ?? '';
      if (character < ' ') return `invalid character ${quote(character)} in string literal`;
      if (character !== '\\') continue;
      const escaped = this.text[++i] ?? '';
      if (escaped !== '' && !'"\\/bfnrtu'.includes(escaped)) return `invalid character ${quote(escaped)} in string escape code`;
    }
    return UNEXPECTED_END;
  }

  private afterValue(character: string): string | undefined {
    const inside = this.open.at(-1);
    if (character === ',') return this.moveOn(1, inside === '{' ? 'key' : 'value');
    if (character === (inside === '{' ? '}' : ']')) return this.close();
    return `invalid character ${quote(character)} after ${inside === '{' ? 'object key:value pair' : 'array element'}`;
  }

  private close(): undefined {
    this.open.pop();
    return this.moveOn(1, this.following());
  }

  private following(): Expectation {
    return this.open.length === 0 ? 'end' : 'after-value';
  }

  private moveOn(length: number, next: Expectation): undefined {
    this.at += length;
    this.next = next;
    return undefined;
  }

  private problem(character: string): string {
    return `invalid character ${quote(character)} ${contexts[this.next]}`;
  }
}

/** The first syntax error of a text that is not valid JSON. */
export function explainSyntaxError(text: string): string {
  return new SyntaxFinder(text).find();
}
