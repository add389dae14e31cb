/** TCP probes: success is a connection, which is closed at once. */
import { connect } from 'node:net';
import type { ProbeOutcome } from '../../agent/index.js';
import { errorCode } from '../process/files.js';
import { dialError, dialTimeout, hostPort } from './dial-error.js';

/** Never rejects: whatever goes wrong is the outcome. */
export function probeTcp(host: string, port: number, timeoutMs: number): Promise<ProbeOutcome> {
  const address = hostPort(host, port);
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const finish = (outcome: ProbeOutcome): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(outcome);
    };
    const timer = setTimeout(() => finish({ ok: false, output: dialTimeout(address) }), timeoutMs);
    socket.once('connect', () => finish({ ok: true }));
    socket.once('error', (error) => finish({ ok: false, output: dialError(address, errorCode(error), error.message) }));
  });
}
