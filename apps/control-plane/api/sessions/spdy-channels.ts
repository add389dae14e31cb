/** Remote command channels as SPDY streams: what clients before WebSocket speak, and what newer ones fall back to. */
import type { RemoteSessionRequest } from '../../../../libs/apiserver/index.js';
import type { SpdyStream } from '../../../../libs/adapters/spdy/index.js';
import { parseSize, type SessionChannels, type TerminalSize } from './channels.js';

/** v4 reports the exit code as a Status on the error stream. */
export const SPDY_COMMAND_PROTOCOLS = ['v4.channel.k8s.io'] as const;

type CommandRequest = Exclude<RemoteSessionRequest, { verb: 'portforward' }>;

/** Streams by type that the request's client opens before anything starts. */
export function expectedStreams(request: CommandRequest): readonly string[] {
  const { stdin, stdout, stderr, tty } = request;
  return ['error', ...(stdin ? ['stdin'] : []), ...(stdout ? ['stdout'] : []), ...(stderr ? ['stderr'] : []), ...(tty ? ['resize'] : [])];
}

export function spdyChannels(streams: ReadonlyMap<string, SpdyStream>, close: () => void): SessionChannels {
  return {
    stdin: streams.get('stdin')?.input ?? nothing(),
    sizes: sizesOf(streams.get('resize')?.input ?? nothing()),
    write: async (stream, data) => streams.get(stream)?.write(data),
    finish: async (status) => {
      await streams.get('error')?.write(Buffer.from(JSON.stringify(status)));
      for (const stream of streams.values()) await stream.end();
      close();
    },
  };
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** One JSON object after the other; each arrives whole, because it is small. */
async function* sizesOf(input: AsyncIterable<Uint8Array>): AsyncGenerator<TerminalSize> {
  for await (const data of input) {
    for (const line of Buffer.from(data).toString('utf8').split('\n')) {
      const size = parseSize(line);
      if (size !== undefined) yield size;
    }
  }
}
