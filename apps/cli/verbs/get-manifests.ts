/** The `-f` of berth get and describe: the objects that manifests name. */
import { readManifests } from '../client/manifests.js';
import type { Session } from '../client/session.js';
import type { Target } from '../client/targets.js';
import type { Io } from '../io.js';

export async function manifestTargets({ discovery }: Session, io: Io, files: readonly string[]): Promise<readonly Target[]> {
  const manifests = await readManifests(files, { stdin: io.in });
  return Promise.all(
    manifests.map(async ({ object }) => ({
      resource: await discovery.ofKind(object.apiVersion, object.kind),
      names: object.metadata.name === undefined ? undefined : [object.metadata.name],
    })),
  );
}
