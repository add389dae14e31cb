/** `$(NAME)` references in commands, arguments and values, as Kubernetes expands them. */

/** `$(NAME)` becomes the value where there is one and stays as it is where there is none; `$$` becomes `$` and ends expansion of what follows. */
export function expand(text: string, lookup: (name: string) => string | undefined): string {
  let out = '';
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character !== '$' || at + 1 >= text.length) {
      out += character;
      continue;
    }
    const next = text.charAt(at + 1);
    const close = next === '(' ? text.indexOf(')', at + 2) : -1;
    if (next === '$') {
      out += '$';
      at += 1;
    } else if (close >= 0) {
      const reference = text.slice(at, close + 1);
      out += lookup(reference.slice(2, -1)) ?? reference;
      at = close;
    } else out += '$';
  }
  return out;
}
