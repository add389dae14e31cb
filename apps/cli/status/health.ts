/** Reads `/readyz?verbose`: what of the control plane works. Pure. */

export interface HealthLine {
  readonly name: string;
  readonly state: 'ok' | 'degraded' | 'failed';
  /** Why it does not work; empty where it does. */
  readonly problem: string;
}

/** Lines of the form `[+]etcd ok`, `[!]redis degraded (not critical): why`, `[-]etcd failed: why`; others say nothing. */
export function parseHealth(text: string): readonly HealthLine[] {
  return text.split('\n').flatMap((line): readonly HealthLine[] => {
    const match = /^\[([+!-])\](\S+) (.*)$/.exec(line);
    if (match === null) return [];
    const [, mark, name = '', rest = ''] = match;
    const state = mark === '+' ? 'ok' : mark === '!' ? 'degraded' : 'failed';
    return [{ name, state, problem: state === 'ok' ? '' : rest.replace(/^(?:degraded \(not critical\)|failed)(?:: )?/, '') }];
  });
}

/** What an operator should know about a part that does not work. */
export function consequence({ name, state }: HealthLine): string {
  if (state === 'ok') return '';
  if (name === 'redis') return 'operations (drain, build) wait; everything else goes on';
  return name === 'etcd' ? 'nothing can be read or changed; running containers go on' : '';
}
