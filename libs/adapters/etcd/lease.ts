/** A lease of etcd, kept alive until disposed. */
import { CancelSource, type Clock } from '../../kit/index.js';
import { LEASE_DOUBT, type StoreLease } from '../../storage/index.js';
import type { EtcdConnection } from './connection.js';

type KeepAliveStream = ReturnType<EtcdConnection['leaseKeepAlive']>;

/** etcd counts leases in whole seconds and grants no less than its election timeout (2 s by default). */
export async function openLease(connection: EtcdConnection, clock: Clock, ttlMs: number): Promise<StoreLease> {
  const askedAt = clock.now();
  const granted = await connection.call('leaseGrant', { TTL: Math.max(1, Math.ceil(ttlMs / 1_000)) });
  const lease = new KeptLease({ connection, clock }, granted.ID, Number(granted.TTL) * 1_000);
  lease.start(askedAt);
  return lease;
}

class KeptLease implements StoreLease {
  private readonly loss = new CancelSource();
  readonly lost = this.loss.signal;
  private stream: KeepAliveStream | undefined;
  private timer: Disposable | undefined;
  private confirmedAt = 0;
  /** When the oldest unanswered keep-alive was sent: what an answer proves is counted from here. */
  private sentAt: number | undefined;

  constructor(
    private readonly ports: { readonly connection: EtcdConnection; readonly clock: Clock },
    readonly id: string,
    private readonly ttlMs: number,
  ) {}

  start(confirmedAt: number): void {
    this.confirmedAt = confirmedAt;
    this.tick();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end();
    // When etcd cannot be reached the lease runs out by itself.
    await this.ports.connection.call('leaseRevoke', { ID: this.id }, 1_000).catch(() => undefined);
  }

  private tick(): void {
    if (this.lost.aborted) return;
    const now = this.ports.clock.now();
    if (now - this.confirmedAt >= this.ttlMs * LEASE_DOUBT) return this.end();
    this.stream ??= this.open();
    this.sentAt ??= now;
    this.stream.write({ ID: this.id });
    this.timer = this.ports.clock.schedule(this.ttlMs / 6, () => this.tick());
  }

  private open(): KeepAliveStream {
    const stream = this.ports.connection.leaseKeepAlive();
    stream.on('data', (answer: { readonly TTL: string }) => {
      if (Number(answer.TTL) <= 0) return this.end();
      this.confirmedAt = this.sentAt ?? this.confirmedAt;
      this.sentAt = undefined;
    });
    stream.on('error', () => this.drop(stream));
    stream.on('end', () => this.drop(stream));
    return stream;
  }

  private drop(stream: KeepAliveStream): void {
    if (this.stream === stream) this.stream = undefined;
    this.sentAt = undefined;
  }

  private end(): void {
    this.timer?.[Symbol.dispose]();
    this.stream?.cancel();
    this.loss.abort();
  }
}
