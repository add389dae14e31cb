/** The reason in what runc prints when it refuses: `time="..." level=error msg="..."`. Pure. */

/** The last quoted message, else the text as it is. */
export function runtimeMessage(text: string): string {
  const quoted = [...text.matchAll(/msg=("(?:[^"\\]|\\.)*")/g)].at(-1)?.[1];
  if (quoted === undefined) return text.trim();
  const message: unknown = JSON.parse(quoted);
  return typeof message === 'string' ? message : text.trim();
}
