/** One tunnel stream, at either end, as the `TunnelChannel` of libs/gateway. */
import type { TunnelChannel, TunnelFrame } from '../../gateway/index.js';

/** What client and server streams of grpc-js share. */
export interface DuplexCall {
  /** With `destroyOnReturn: false`, a reader that stops early leaves the stream able to end in order. */
  iterator(options: { readonly destroyOnReturn: boolean }): AsyncIterable<unknown>;
  write(message: object): boolean;
  end(): void;
  once(event: 'drain' | 'close' | 'end', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  readonly destroyed: boolean;
}

export function tunnelChannel(call: DuplexCall, release: () => void = () => call.end()): TunnelChannel {
  let isClosed = false;
  let wake: (() => void) | undefined;
  const closed = (): void => {
    isClosed = true;
    wake?.();
  };
  call.on('error', closed); // also keeps an aborted stream from being an unhandled error
  call.once('close', closed);
  return {
    send: async (frame) => {
      if (isClosed || call.destroyed) throw new Error('the tunnel is closed');
      if (call.write(encodeTunnelFrame(frame))) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
        call.once('drain', resolve);
      });
    },
    frames: tunnelFrames(call),
    [Symbol.dispose]: () => {
      if (isClosed) return;
      closed();
      release();
    },
  };
}

/** Ends also when the stream breaks: for a session the two are the same. */
async function* tunnelFrames(call: DuplexCall): AsyncIterable<TunnelFrame> {
  try {
    for await (const raw of call.iterator({ destroyOnReturn: false })) {
      const frame = decodeTunnelFrame(raw);
      if (frame !== undefined) yield frame;
    }
  } catch {
    // Broken or cancelled.
  }
}

interface WireTunnelFrame {
  readonly tunnelId: string;
  readonly frame: 'stdin' | 'stdout' | 'stderr' | 'resize' | 'stdinClosed' | 'exit' | undefined;
  readonly stdin?: Buffer;
  readonly stdout?: Buffer;
  readonly stderr?: Buffer;
  readonly resize?: { readonly columns: number; readonly rows: number };
  readonly exit?: { readonly code: number; readonly error: string };
}

export function decodeTunnelFrame(raw: unknown): TunnelFrame | undefined {
  const wire = raw as WireTunnelFrame;
  if (wire.stdin && wire.frame === 'stdin') return { type: 'stdin', data: wire.stdin };
  if (wire.stdout && wire.frame === 'stdout') return { type: 'stdout', data: wire.stdout };
  if (wire.stderr && wire.frame === 'stderr') return { type: 'stderr', data: wire.stderr };
  if (wire.resize && wire.frame === 'resize') return { type: 'resize', ...wire.resize };
  if (wire.frame === 'stdinClosed') return { type: 'stdin-closed' };
  if (wire.exit && wire.frame === 'exit') return { type: 'exit', ...wire.exit };
  return wire.tunnelId === '' ? undefined : { type: 'open', tunnelId: wire.tunnelId };
}

export function encodeTunnelFrame(frame: TunnelFrame): object {
  switch (frame.type) {
    case 'open':
      return { tunnelId: frame.tunnelId };
    case 'stdin':
      return { stdin: frame.data };
    case 'stdout':
      return { stdout: frame.data };
    case 'stderr':
      return { stderr: frame.data };
    case 'resize':
      return { resize: { columns: frame.columns, rows: frame.rows } };
    case 'stdin-closed':
      return { stdinClosed: true };
    case 'exit':
      return { exit: { code: frame.code, error: frame.error } };
  }
}
