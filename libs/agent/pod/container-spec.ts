/** From a container's description and its image to everything that the runtime must know, or the reason why it cannot start. */
import type { Container, Pod, Stored } from '../../api/index.js';
import { ContainerStartError } from '../ports.js';
import type { ContainerId, ContainerSpec, ResolvedImage } from '../ports.js';
import { containerEnvironment } from './environment.js';
import type { EnvironmentInput } from './environment.js';
import { expand } from './expansion.js';

export interface ContainerSpecInput extends Omit<EnvironmentInput, 'imageEnv' | 'pod'> {
  readonly pod: Stored<Pod>;
  readonly attempt: number;
  readonly image: ResolvedImage;
  /** Host paths by volume name. */
  readonly volumes: ReadonlyMap<string, string>;
  /** The container whose processes it is to see. */
  readonly target?: ContainerId | undefined;
}

/** Throws ContainerStartError. */
export function containerSpec(input: ContainerSpecInput): ContainerSpec {
  const { pod, container, attempt, image } = input;
  const environment = containerEnvironment({ ...input, imageEnv: image.config.env });
  const lookup = (name: string): string | undefined => environment.get(name);
  return {
    id: containerId(pod.metadata.uid, container.name, attempt),
    pod,
    container,
    attempt,
    image,
    specHash: specHash(container),
    args: commandLine(container, image, lookup),
    env: [...environment].map(([name, value]) => ({ name, value })),
    workingDir: container.workingDir ?? (image.config.workingDir === '' ? '/' : image.config.workingDir),
    user: containerUser(pod, container, image),
    mounts: containerMounts(input, lookup),
    target: input.target,
  };
}

export function containerId(podUid: string, name: string, attempt: number): ContainerId {
  return `${podUid}_${name}_${attempt}`;
}

/** A container whose hash differs from its description's must be replaced. Pods are immutable but for the image. */
export function specHash(container: Container): string {
  return hashText(`${container.name}\n${container.image ?? ''}`);
}

/** FNV-1a, 32 bits: it tells versions of one container apart, no more. */
function hashText(text: string): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ (text.codePointAt(at) ?? 0), 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, '0');
}

/** Kubernetes docs, Define a Command and Arguments: a command without args ignores the image's CMD. */
function commandLine(container: Container, image: ResolvedImage, lookup: (name: string) => string | undefined): readonly string[] {
  const command = (container.command ?? []).map((part) => expand(part, lookup));
  const args = (container.args ?? []).map((part) => expand(part, lookup));
  if (command.length > 0) return [...command, ...args];
  const line = [...image.config.entrypoint, ...(args.length > 0 ? args : image.config.cmd)];
  if (line.length > 0) return line;
  throw new ContainerStartError(
    'RunContainerError',
    `no command specified: neither container "${container.name}" nor image "${image.reference}" says what to run`,
  );
}

function containerUser(pod: Stored<Pod>, container: Container, image: ResolvedImage): ContainerSpec['user'] {
  const own = container.securityContext;
  const shared = pod.spec?.securityContext;
  const uid = own?.runAsUser ?? shared?.runAsUser;
  const gid = own?.runAsGroup ?? shared?.runAsGroup;
  const [imageUser = '', imageGroup = ''] = image.config.user.split(':');
  const nonRoot = own?.runAsNonRoot ?? shared?.runAsNonRoot ?? false;
  if (nonRoot) refuseRoot(pod, container, uid ?? (imageUser === '' ? 0 : imageUser), uid !== undefined);
  const groups = [...(shared?.supplementalGroups ?? [])];
  if (shared?.fsGroup !== undefined) groups.push(shared.fsGroup);
  const base = { supplementalGroups: groups, gid: gid ?? numeric(imageGroup) };
  if (uid !== undefined) return { ...base, uid };
  const imageUid = numeric(imageUser);
  if (imageUid !== undefined) return { ...base, uid: imageUid };
  return imageUser === '' ? { ...base, uid: 0 } : { ...base, name: image.config.user };
}

function refuseRoot(pod: Stored<Pod>, container: Container, user: number | string, isFromSpec: boolean): void {
  const where = `(pod: "${pod.metadata.name}_${pod.metadata.namespace ?? ''}(${pod.metadata.uid})", container: ${container.name})`;
  const uid = typeof user === 'number' ? user : numeric(user);
  if (uid === undefined) {
    const message = `container has runAsNonRoot and image has non-numeric user (${user}), cannot verify user is non-root ${where}`;
    throw new ContainerStartError('CreateContainerConfigError', message);
  }
  if (uid !== 0) return;
  const what = isFromSpec ? "container's runAsUser breaks non-root policy" : 'container has runAsNonRoot and image will run as root';
  throw new ContainerStartError('CreateContainerConfigError', `${what} ${where}`);
}

function numeric(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

const propagationOf: Readonly<Record<string, 'private' | 'rslave' | 'rshared'>> = {
  None: 'private',
  HostToContainer: 'rslave',
  Bidirectional: 'rshared',
};

function containerMounts(input: ContainerSpecInput, lookup: (name: string) => string | undefined): ContainerSpec['mounts'] {
  return (input.container.volumeMounts ?? []).map((mount) => {
    const hostPath = input.volumes.get(mount.name);
    if (hostPath === undefined) {
      throw new ContainerStartError(
        'CreateContainerConfigError',
        `cannot find volume "${mount.name}" to mount into container "${input.container.name}"`,
      );
    }
    const subPath = mount.subPathExpr === undefined ? mount.subPath : expand(mount.subPathExpr, lookup);
    return {
      hostPath,
      ...(subPath === undefined || subPath === '' ? {} : { subPath }),
      containerPath: mount.mountPath,
      readOnly: mount.readOnly ?? false,
      propagation: propagationOf[mount.mountPropagation ?? 'None'] ?? 'private',
    };
  });
}
