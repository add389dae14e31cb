/** Which images a Dockerfile starts from: enough of its language to fetch them beforehand. */

/** References of `FROM` and `COPY --from` that are neither stages nor `scratch`, with build arguments filled in. */
export function baseImages(dockerfile: string, buildArgs: Readonly<Record<string, string>> = {}): readonly string[] {
  const values: Record<string, string> = {};
  const stages = new Set<string>(['scratch']);
  const found = new Set<string>();
  let isBeforeFrom = true;
  for (const line of dockerfile.replace(/\\\r?\n/g, ' ').split(/\r?\n/)) {
    const [instruction = '', ...words] = line.trim().split(/\s+/);
    const name = instruction.toUpperCase();
    if (name === 'ARG' && isBeforeFrom) {
      const [key, value] = splitOnce(words[0] ?? '', '=');
      values[key] = buildArgs[key] ?? value.replace(/^"(.*)"$/, '$1');
    }
    if (name === 'FROM') {
      isBeforeFrom = false;
      const rest = words.filter((word) => !word.startsWith('--'));
      const image = expand(rest[0] ?? '', values);
      if (!stages.has(image)) found.add(image);
      if (rest[1]?.toUpperCase() === 'AS' && rest[2] !== undefined) stages.add(rest[2].toLowerCase());
    }
    if (name === 'COPY') {
      const from = words.find((word) => word.startsWith('--from='))?.slice('--from='.length);
      if (from !== undefined && !/^\d+$/.test(from) && !stages.has(from.toLowerCase())) found.add(expand(from, values));
    }
  }
  found.delete('');
  return [...found];
}

/** `$X`, `${X}` and `${X:-default}`. */
function expand(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(
    /\$(?:(\w+)|\{(\w+)(?::-([^}]*))?\})/g,
    (_all, plain: string | undefined, braced: string | undefined, other: string | undefined) => {
      const value = values[plain ?? braced ?? ''] ?? '';
      return value === '' ? (other ?? '') : value;
    },
  );
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}
