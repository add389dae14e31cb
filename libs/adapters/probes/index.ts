import type { Prober } from '../../agent/index.js';
import { probeGrpc } from './grpc-probe.js';
import { probeHttp } from './http-probe.js';
import { probeTcp } from './tcp-probe.js';

/** Probes from this host's own network. */
export const hostProber: Prober = { http: probeHttp, tcp: probeTcp, grpc: probeGrpc };
