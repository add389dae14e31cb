/** berth rollout history and undo: the ReplicaSets of a Deployment are its earlier revisions. */
import type { Deployment, PodTemplateSpec, ReplicaSet } from '../../../libs/api/index.js';
import { pluralName, type Resource } from '../client/discovery.js';
import { listAll } from '../client/fetch.js';
import { pathOf } from '../client/paths.js';
import { formatSelector } from '../client/selector-text.js';
import type { Session } from '../client/session.js';
import { patchObject } from '../client/write.js';
import { describePodTemplate } from '../describe/parts.js';
import { CliError, exitCodes } from '../errors.js';
import type { Io } from '../io.js';
import { objectName } from '../output/format.js';
import { Indented } from '../output/indented.js';
import { sorted } from '../output/structured.js';

const REVISION = 'deployment.kubernetes.io/revision';
const CHANGE_CAUSE = 'kubernetes.io/change-cause';
const TEMPLATE_HASH = 'pod-template-hash';

export interface HistoryOptions {
  readonly resource: Resource;
  readonly name: string;
  readonly revision: number | undefined;
}

interface Revision {
  readonly number: number;
  readonly set: ReplicaSet;
}

export async function showHistory(session: Session, io: Io, { resource, name, revision }: HistoryOptions): Promise<void> {
  const { revisions } = await load(session, resource, name);
  if (revision === undefined) {
    const out = new Indented();
    out.row(0, 'REVISION', 'CHANGE-CAUSE');
    for (const { number, set } of revisions) out.row(0, String(number), set.metadata?.annotations?.[CHANGE_CAUSE] ?? '<none>');
    io.out.write(`${objectName(resource, name)} \n${out.text()}\n`);
    return;
  }
  const { set } = find(revisions, revision);
  const out = new Indented();
  describePodTemplate(out, set.spec?.template);
  io.out.write(`${objectName(resource, name)} with revision #${revision}\n${out.text()}`);
}

export async function undoRollout(session: Session, io: Io, { resource, name, revision }: HistoryOptions): Promise<void> {
  const { deployment, revisions } = await load(session, resource, name);
  if (deployment.spec?.paused === true)
    throw new CliError(`you cannot rollback a paused deployment; resume it first with 'berth rollout resume' and try again`);
  const target = revision === undefined || revision === 0 ? revisions.at(-2) : find(revisions, revision);
  if (target === undefined) throw new CliError(`no rollout history found for deployment "${name}"`);
  const template = withoutHash(target.set.spec?.template);
  if (JSON.stringify(sorted(template)) === JSON.stringify(sorted(withoutHash(deployment.spec?.template)))) {
    io.out.write(`${objectName(resource, name)} skipped rollback (current template already matches revision ${target.number})\n`);
    return;
  }
  await patchObject(session, { resource, name, type: 'json', body: [{ op: 'replace', path: '/spec/template', value: template }] });
  io.out.write(`${objectName(resource, name)} rolled back\n`);
}

async function load(
  session: Session,
  resource: Resource,
  name: string,
): Promise<{ readonly deployment: Deployment; readonly revisions: readonly Revision[] }> {
  const { client, discovery, namespace } = session;
  if (resource.name !== 'deployments')
    throw new CliError(`no history viewer has been implemented for ${pluralName(resource)}`, exitCodes.usage);
  const deployment = await client.json<Deployment>(pathOf(resource, { namespace, name }));
  const sets = await listAll<ReplicaSet>(client, await discovery.find('replicasets.apps'), {
    namespace,
    query: { labelSelector: formatSelector(deployment.spec?.selector) },
  });
  const owned = sets.filter((set) => set.metadata?.ownerReferences?.some((owner) => owner.uid === deployment.metadata?.uid) === true);
  const revisions = owned.flatMap((set): readonly Revision[] => {
    const number = Number(set.metadata?.annotations?.[REVISION] ?? '');
    return number > 0 ? [{ number, set }] : [];
  });
  return { deployment, revisions: revisions.toSorted((left, right) => left.number - right.number) };
}

function find(revisions: readonly Revision[], wanted: number): Revision {
  const found = revisions.find(({ number }) => number === wanted);
  if (found !== undefined) return found;
  const known = revisions.map(({ number }) => number).join(', ');
  throw new CliError(`unable to find specified revision ${wanted} in history`, exitCodes.failed, `Known revisions: ${known}`);
}

/** The controller adds the hash to the template of each ReplicaSet. */
function withoutHash(template: PodTemplateSpec | undefined): PodTemplateSpec | undefined {
  if (template?.metadata?.labels?.[TEMPLATE_HASH] === undefined) return template;
  const { [TEMPLATE_HASH]: _, ...labels } = template.metadata.labels;
  return { ...template, metadata: { ...template.metadata, labels } };
}
