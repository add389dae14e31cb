/** Sockets and WebSockets as the byte lines that SPDY runs on. */
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { ByteLine } from '../../../../libs/adapters/spdy/index.js';
import { Channel } from '../../../../libs/kit/index.js';
import { asBuffer } from './websocket-channels.js';

/** Messages that may wait before the client is held back. */
const WAITING_MAX = 64;

/** `head` is what arrived together with the upgrade request. */
export function socketLine(socket: Duplex, head: Buffer): ByteLine {
  return {
    input: withHead(head, socket),
    write: (data) =>
      new Promise((resolve) => {
        if (socket.destroyed) resolve();
        else socket.write(data, () => resolve());
      }),
  };
}

async function* withHead(head: Buffer, socket: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array> {
  if (head.length > 0) yield head;
  yield* socket;
}

export function websocketLine(socket: WebSocket): ByteLine {
  const messages = new Channel<Uint8Array>();
  socket.on('message', (message) => {
    messages.push(asBuffer(message));
    if (messages.size > WAITING_MAX) socket.pause();
  });
  socket.on('close', () => messages.end());
  return {
    input: resuming(messages, socket),
    write: (data) =>
      new Promise((resolve) => {
        if (socket.readyState === socket.OPEN) socket.send(data, { binary: true }, () => resolve());
        else resolve();
      }),
  };
}

async function* resuming(messages: Channel<Uint8Array>, socket: WebSocket): AsyncGenerator<Uint8Array> {
  for await (const message of messages) {
    if (socket.isPaused && messages.size <= WAITING_MAX) socket.resume();
    yield message;
  }
}
