/** Which of some wanted permissions a set of held rules does not cover: the arithmetic of privilege escalation. Pure. */
import type { PolicyRule } from '../../api/index.js';

/** The wanted rules that are not wholly held, each reduced to the verbs that are missing. */
export function missingRules(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): readonly PolicyRule[] {
  return wanted.flatMap((rule) => {
    const verbs = rule.verbs.filter(
      (verb) => !singleRules({ ...rule, verbs: [verb] }).every((one) => held.some((own) => covers(own, one))),
    );
    return verbs.length === 0 ? [] : [{ ...rule, verbs }];
  });
}

/** One verb, group, resource and name (or path) each: what is covered piece by piece is covered. */
function singleRules({ verbs, apiGroups, resources, resourceNames, nonResourceURLs }: PolicyRule): readonly PolicyRule[] {
  const paths = verbs.flatMap((verb) => (nonResourceURLs ?? []).map((url) => ({ verbs: [verb], nonResourceURLs: [url] })));
  const names = (resourceNames ?? []).length === 0 ? [[]] : (resourceNames ?? []).map((name) => [name]);
  const ofResources = verbs.flatMap((verb) =>
    (apiGroups ?? []).flatMap((group) =>
      (resources ?? []).flatMap((resource) =>
        names.map((resourceNames) => ({ verbs: [verb], apiGroups: [group], resources: [resource], resourceNames })),
      ),
    ),
  );
  return [...paths, ...ofResources];
}

function covers(own: PolicyRule, one: PolicyRule): boolean {
  if (!hasAll(own.verbs, one.verbs)) return false;
  if (one.nonResourceURLs !== undefined)
    return one.nonResourceURLs.every((url) => (own.nonResourceURLs ?? []).some((held) => coversPath(held, url)));
  return (
    hasAll(own.apiGroups, one.apiGroups) &&
    coversResources(own.resources, one.resources) &&
    coversNames(own.resourceNames, one.resourceNames)
  );
}

function hasAll(own: readonly string[] | undefined, wanted: readonly string[] | undefined): boolean {
  return own?.includes('*') === true || (wanted ?? []).every((each) => own?.includes(each) === true);
}

/** A star of a subresource (`*` before `/scale`) covers that subresource of every resource. */
function coversResources(own: readonly string[] | undefined, wanted: readonly string[] | undefined): boolean {
  if (hasAll(own, wanted)) return true;
  return (wanted ?? []).every(
    (resource) => own?.includes(resource) === true || own?.includes(`*/${resource.split('/')[1] ?? ''}`) === true,
  );
}

/** No names are all names. */
function coversNames(own: readonly string[] | undefined, wanted: readonly string[] | undefined): boolean {
  if ((own ?? []).length === 0) return true;
  return (wanted ?? []).length > 0 && (wanted ?? []).every((name) => own?.includes(name) === true);
}

function coversPath(held: string, url: string): boolean {
  return held === url || (held.endsWith('*') && url.startsWith(held.slice(0, -1)));
}
