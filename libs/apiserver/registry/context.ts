/** What every part of the pipeline is made with, and what one write knows about its request. */
import type { KindInfo } from '../../api/index.js';
import type { Clock, IdSource, Logger } from '../../kit/index.js';
import type { Revision, Store, WatchCache } from '../../storage/index.js';
import type { UserInfo } from '../ports.js';

/** Cluster facts that admission and bootstrap need. Addresses are dotted IPv4. */
export interface ApiSettings {
  readonly serviceCidr: string;
  readonly nodePortMin: number;
  readonly nodePortMax: number;
  /** Seconds that a pod tolerates a node that is not ready or unreachable, where it does not say. Kubernetes: 300. */
  readonly defaultTolerationSeconds: number;
  /** Address and port of this API server, for the `kubernetes` Service. */
  readonly advertiseAddress: string;
  readonly securePort: number;
  readonly dnsAddress: string;
}

export interface ApiContext {
  readonly store: Store;
  readonly cache: WatchCache;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Logger;
  readonly settings: ApiSettings;
  readonly written: WriteMark;
}

/** The newest revision that this process wrote: reads wait until the watch cache has reached it, so clients read their own writes. */
export class WriteMark {
  private newest = 0;

  /** Notes a finished write. */
  raise(revision: Revision): void {
    if (revision > this.newest) this.newest = revision;
  }

  async visible(cache: WatchCache): Promise<void> {
    const wanted = this.newest as Revision;
    if (cache.revision < wanted) await cache.reached(wanted);
  }
}

/** Who writes what, and how. */
export interface Operation {
  readonly kind: KindInfo;
  readonly namespace: string | undefined;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  readonly fieldManager: string;
  /** `status`, `scale`, ...: decides which part of the object may change. */
  readonly subresource?: string | undefined;
  /** Written by a component of this process, not by a request. */
  readonly isInternal?: boolean | undefined;
  /** Server-side apply states the owners of fields itself. */
  readonly isApply?: boolean | undefined;
}
