/** Kubernetes' remote command channels over WebSocket: the first byte of each binary message names the channel. */
import type { RawData, WebSocket } from 'ws';
import { Channel } from '../../../../libs/kit/index.js';
import { parseSize, type SessionChannels, type TerminalSize } from './channels.js';

/** Best first. v5 lets the client close standard input by a message of its own. */
export const CHANNEL_PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io'] as const;

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const STATUS = 3;
const RESIZE = 4;
const CLOSE = 255;

/** Messages that may wait for the process before the client is held back. */
const WAITING_MAX = 64;
const NORMAL_CLOSURE = 1000;

export function websocketChannels(socket: WebSocket): SessionChannels {
  const stdin = new Channel<Uint8Array>();
  const sizes = new Channel<TerminalSize>();
  socket.on('message', (message) => {
    take(asBuffer(message), { stdin, sizes });
    if (stdin.size > WAITING_MAX) socket.pause();
  });
  socket.on('close', () => {
    stdin.end();
    sizes.end();
  });
  return {
    stdin: withBackpressure(stdin, socket),
    sizes,
    write: (stream, data) => send(socket, stream === 'stdout' ? STDOUT : STDERR, data),
    finish: async (status) => {
      await send(socket, STATUS, Buffer.from(JSON.stringify(status)));
      socket.close(NORMAL_CLOSURE);
    },
  };
}

function take(message: Buffer, { stdin, sizes }: { readonly stdin: Channel<Uint8Array>; readonly sizes: Channel<TerminalSize> }): void {
  const payload = message.subarray(1);
  switch (message[0]) {
    case STDIN:
      if (payload.length > 0) stdin.push(payload);
      break;
    case RESIZE: {
      const size = parseSize(payload.toString('utf8'));
      if (size !== undefined) sizes.push(size);
      break;
    }
    case CLOSE:
      if (payload[0] === STDIN) stdin.end();
      break;
    default:
  }
}

/** Lets a client that was held back go on. */
async function* withBackpressure(items: Channel<Uint8Array>, socket: WebSocket): AsyncGenerator<Uint8Array> {
  for await (const item of items) {
    if (socket.isPaused && items.size <= WAITING_MAX) socket.resume();
    yield item;
  }
}

/** Resolves when the data has left, so that a slow client slows the process. */
function send(socket: WebSocket, channel: number, data: Uint8Array): Promise<void> {
  if (socket.readyState !== socket.OPEN) return Promise.resolve();
  return new Promise((resolve) => socket.send(Buffer.concat([Buffer.from([channel]), data]), { binary: true }, () => resolve()));
}

export function asBuffer(message: RawData): Buffer {
  if (Array.isArray(message)) return Buffer.concat(message);
  return message instanceof ArrayBuffer ? Buffer.from(message) : message;
}
