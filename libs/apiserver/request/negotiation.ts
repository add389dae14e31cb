/** Content negotiation: which form of an answer the `Accept` header asks for. */
import { StatusError } from '../../api/index.js';

export type Transform = 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList';

export interface Accepted {
  readonly format: 'json' | 'yaml';
  readonly as?: { readonly kind: string; readonly group: string; readonly version: string };
  /** kubectl and browsers may ask for indented JSON. */
  readonly pretty: boolean;
}

interface MediaRange {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

const TRANSFORMS: ReadonlySet<string> = new Set(['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList']);

/**
 * First media range that can be served: JSON, YAML, and the `as=` forms of meta.k8s.io/v1. Protobuf is never served, so a
 * list that offers JSON after it gets JSON. Throws NotAcceptable with Kubernetes' text otherwise.
 */
export function negotiate(accept: string | undefined, allowed: ReadonlySet<string> = TRANSFORMS): Accepted {
  if (accept === undefined || accept.trim() === '') return { format: 'json', pretty: false };
  for (const range of mediaRanges(accept)) {
    const accepted = serve(range, allowed);
    if (accepted !== undefined) return accepted;
  }
  throw new StatusError('NotAcceptable', 'only the following media types are accepted: application/json, application/yaml', {});
}

function serve(range: MediaRange, allowed: ReadonlySet<string>): Accepted | undefined {
  const format = formatOf(range.type);
  if (format === undefined) return undefined;
  const kind = range.parameters.get('as');
  const pretty = range.parameters.get('pretty') === '1';
  if (kind === undefined) return { format, pretty };
  const as = { kind, group: range.parameters.get('g') ?? '', version: range.parameters.get('v') ?? '' };
  if (!allowed.has(kind) || format === 'yaml') return undefined;
  if (as.group === 'meta.k8s.io' && as.version !== 'v1') return undefined;
  return { format, pretty, as };
}

function formatOf(type: string): 'json' | 'yaml' | undefined {
  if (type === 'application/json' || type === '*/*' || type === 'application/*') return 'json';
  if (type === 'application/yaml' || type === 'application/vnd.kubernetes.yaml') return 'yaml';
  return undefined;
}

function mediaRanges(accept: string): readonly MediaRange[] {
  const ranges = accept.split(',').map(mediaRange);
  // A stable sort keeps the client's order among equals.
  return ranges.some((range) => range.quality !== 1) ? [...ranges].sort((a, b) => b.quality - a.quality) : ranges;
}

function mediaRange(text: string): MediaRange {
  const [type = '', ...rest] = text.split(';').map((part) => part.trim());
  const parameters = new Map(rest.map((part) => splitOnce(part)));
  return { type: type.toLowerCase(), parameters, quality: Number(parameters.get('q') ?? '1') };
}

function splitOnce(text: string): [string, string] {
  const at = text.indexOf('=');
  return at < 0 ? [text, ''] : [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}
