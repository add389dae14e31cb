/** Brings the images of one pod to the host, by policy and with backoff, and says so in events. */
import { KeyedBackoff } from '../../kit/index.js';
import type { CancelSignal, Clock } from '../../kit/index.js';
import type { Container } from '../../api/index.js';
import { ImagePullError } from '../ports.js';
import type { ImageStore, PullProgress, RegistryCredential, ResolvedImage } from '../ports.js';

/** Kubernetes docs, Images: ImagePullBackOff, up to five minutes. */
const PULL_BACKOFF = { initialMs: 10_000, maxMs: 300_000 } as const;

/** Between two events that tell how far a pull is. */
const PROGRESS_INTERVAL_MS = 5_000;

export type Announce = (type: 'Normal' | 'Warning', reason: string, message: string) => void;

export class ImagePuller {
  readonly #backoff = new KeyedBackoff<string>(PULL_BACKOFF);

  constructor(
    private readonly images: ImageStore,
    private readonly clock: Clock,
  ) {}

  /** Throws ImagePullError; after a failed pull `retryInMs` says when to ask again. */
  async ensure(
    container: Container,
    credentials: readonly RegistryCredential[],
    announce: Announce,
    signal: CancelSignal,
  ): Promise<ResolvedImage> {
    const reference = container.image ?? '';
    const policy = container.imagePullPolicy ?? 'IfNotPresent';
    const present = policy === 'Always' ? undefined : await this.#find(reference, announce);
    if (present !== undefined) {
      announce('Normal', 'Pulled', `Container image "${reference}" already present on machine and can be accessed by the pod`);
      return present;
    }
    if (policy === 'Never') {
      const message = `Container image "${reference}" is not present with pull policy of Never`;
      announce('Warning', 'ErrImageNeverPull', message);
      this.#backoff.fail(reference, this.clock.now());
      throw new ImagePullError('ErrImageNeverPull', message);
    }
    return this.#pull(reference, credentials, announce, signal);
  }

  retryInMs(reference: string): number {
    return this.#backoff.remainingMs(reference, this.clock.now());
  }

  /** Throws ImagePullError `InvalidImageName` for what is no image name at all. */
  async #find(reference: string, announce: Announce): Promise<ResolvedImage | undefined> {
    try {
      return await this.images.find(reference);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      announce('Warning', 'InspectFailed', `Failed to inspect image "${reference}": ${message}`);
      announce('Warning', 'Failed', `Error: ${error instanceof ImagePullError ? error.reason : 'ImageInspectError'}`);
      this.#backoff.fail(reference, this.clock.now());
      throw error instanceof ImagePullError ? error : new ImagePullError('ImageInspectError', message);
    }
  }

  async #pull(
    reference: string,
    credentials: readonly RegistryCredential[],
    announce: Announce,
    signal: CancelSignal,
  ): Promise<ResolvedImage> {
    announce('Normal', 'Pulling', `Pulling image "${reference}"`);
    const startedAt = this.clock.now();
    try {
      const tell = progressTeller(reference, this.clock, announce);
      const image = await this.images.pull(reference, credentials, tell, signal);
      const took = formatDuration(this.clock.now() - startedAt);
      announce(
        'Normal',
        'Pulled',
        `Successfully pulled image "${reference}" in ${took} (${took} including waiting). Image size: ${image.sizeBytes} bytes.`,
      );
      this.#backoff.reset(reference);
      return image;
    } catch (error) {
      if (signal.aborted) throw error;
      const reason = error instanceof ImagePullError ? error.reason : 'ErrImagePull';
      const message = error instanceof Error ? error.message : String(error);
      announce('Warning', 'Failed', `Failed to pull image "${reference}": ${message}`);
      announce('Warning', 'Failed', `Error: ${reason}`);
      this.#backoff.fail(reference, this.clock.now());
      throw new ImagePullError(reason, message);
    }
  }
}

/** Long pulls are told of now and then; short ones stay as quiet as with Kubernetes. */
function progressTeller(reference: string, clock: Clock, announce: Announce): (progress: PullProgress) => void {
  let toldAt = clock.now();
  return ({ layersDone, layersTotal, bytesDone, bytesTotal }) => {
    if (clock.now() - toldAt < PROGRESS_INTERVAL_MS) return;
    toldAt = clock.now();
    const bytes = bytesTotal > 0 ? `, ${megabytes(bytesDone)} of ${megabytes(bytesTotal)} MB` : '';
    announce('Normal', 'PullProgress', `Pulling image "${reference}": ${layersDone} of ${layersTotal} layers${bytes}`);
  };
}

const megabytes = (bytes: number): string => (bytes / 1_000_000).toFixed(1);

/** As Go prints it: `850ms`, `1.234s`, `1m2.5s`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  const minutes = Math.floor(ms / 60_000);
  const seconds = Number(((ms % 60_000) / 1000).toFixed(3));
  return minutes === 0 ? `${seconds}s` : `${minutes}m${seconds}s`;
}
