/** What a remote process's client is connected by, whatever the protocol: WebSocket channels or SPDY streams. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export interface SessionChannels {
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly sizes: AsyncIterable<TerminalSize>;
  write(stream: 'stdout' | 'stderr', data: Uint8Array): Promise<void>;
  /** Says how it ended (a metav1.Status) and closes the session. */
  finish(status: object): Promise<void>;
}

/** `{"Width":80,"Height":24}`, as clients send it; `undefined` for anything else. */
export function parseSize(text: string): TerminalSize | undefined {
  try {
    const { Width, Height } = JSON.parse(text) as { readonly Width?: unknown; readonly Height?: unknown };
    return typeof Width === 'number' && typeof Height === 'number' ? { columns: Width, rows: Height } : undefined;
  } catch {
    return undefined;
  }
}
