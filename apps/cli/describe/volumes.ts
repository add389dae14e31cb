/** Volumes of pods and pod templates. */
import type { Volume } from '../../../libs/api/index.js';
import type { Indented } from '../output/indented.js';

export function describeVolumes(out: Indented, volumes: readonly Volume[] | undefined, level: number): void {
  if (volumes === undefined || volumes.length === 0) return out.field(level, 'Volumes', []);
  out.row(level, 'Volumes:');
  for (const volume of volumes) {
    out.row(level + 1, `${volume.name}:`);
    for (const [name, value] of volumeFields(volume)) out.field(level + 2, name, value);
  }
}

type Fields = readonly (readonly [string, string])[];

function volumeFields(volume: Volume): Fields {
  const { emptyDir, hostPath, configMap, secret, projected, persistentVolumeClaim: claim, downwardAPI } = volume;
  if (emptyDir !== undefined)
    return [
      ['Type', "EmptyDir (a temporary directory that shares a pod's lifetime)"],
      ['Medium', emptyDir.medium ?? ''],
      ['SizeLimit', emptyDir.sizeLimit ?? '<unset>'],
    ];
  if (hostPath !== undefined)
    return [
      ['Type', 'HostPath (bare host directory volume)'],
      ['Path', hostPath.path],
      ['HostPathType', hostPath.type ?? ''],
    ];
  if (configMap !== undefined)
    return [
      ['Type', 'ConfigMap (a volume populated by a ConfigMap)'],
      ['Name', configMap.name ?? ''],
      ['Optional', String(configMap.optional === true)],
    ];
  if (secret !== undefined)
    return [
      ['Type', 'Secret (a volume populated by a Secret)'],
      ['SecretName', secret.secretName ?? ''],
      ['Optional', String(secret.optional === true)],
    ];
  if (claim !== undefined)
    return [
      ['Type', 'PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)'],
      ['ClaimName', claim.claimName],
      ['ReadOnly', String(claim.readOnly === true)],
    ];
  if (downwardAPI !== undefined) return [['Type', 'DownwardAPI (a volume populated by information about the pod)']];
  if (projected !== undefined)
    return [
      ['Type', 'Projected (a volume that contains injected data from multiple sources)'],
      ...(projected.sources ?? []).flatMap(sourceFields),
    ];
  return [['Type', Object.keys(volume).find((key) => key !== 'name') ?? '<unknown>']];
}

type Source = NonNullable<NonNullable<Volume['projected']>['sources']>[number];

function sourceFields({ serviceAccountToken, configMap, secret, downwardAPI }: Source): Fields {
  return [
    ...(serviceAccountToken === undefined
      ? []
      : [['TokenExpirationSeconds', String(serviceAccountToken.expirationSeconds ?? 3600)] as const]),
    ...(configMap === undefined
      ? []
      : [['ConfigMapName', configMap.name ?? ''] as const, ['Optional', String(configMap.optional === true)] as const]),
    ...(secret === undefined ? [] : [['SecretName', secret.name ?? ''] as const, ['Optional', String(secret.optional === true)] as const]),
    ...(downwardAPI === undefined ? [] : [['DownwardAPI', 'true'] as const]),
  ];
}
