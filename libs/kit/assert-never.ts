/** Makes a `switch` over a union total: a forgotten variant does not compile. */
export function assertNever(value: never): never {
  throw new Error(`unreachable variant: ${JSON.stringify(value)}`);
}
