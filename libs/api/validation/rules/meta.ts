/** Rules of object metadata and of label selectors, which all kinds share. */
import type { LabelSelector, LabelSelectorRequirement, OwnerReference } from '../../generated/types.js';
import { isLabelValue, isQualifiedName } from '../checks/names.js';
import { labels } from '../checks/values.js';
import type { Rule } from '../place.js';
import { Check, Each, Required, Whole } from '../rule-class.js';

const requirement: Rule<LabelSelectorRequirement> = (term, at) => {
  const values = term.values ?? [];
  const place = at.field('values');
  if (term.operator === 'In' || term.operator === 'NotIn') {
    if (values.length === 0) place.required("must be specified when `operator` is 'In' or 'NotIn'");
  } else if (term.operator === 'Exists' || term.operator === 'DoesNotExist') {
    if (values.length > 0) place.forbidden("may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
  } else at.field('operator').invalid(term.operator, 'not a valid selector operator');
  at.field('key').invalidEach(term.key, isQualifiedName(term.key));
  for (const [index, value] of values.entries()) place.index(index).invalidEach(value, isLabelValue(value));
};

@Whole(requirement)
class RequirementRules {
  readonly key?: string;
}

export class LabelSelectorRules {
  @Check(labels) readonly matchLabels?: LabelSelector['matchLabels'];
  @Each(() => RequirementRules) readonly matchExpressions?: LabelSelector['matchExpressions'];
}

export class OwnerReferenceRules {
  @Required('must not be empty') readonly apiVersion?: OwnerReference['apiVersion'];
  @Required('must not be empty') readonly kind?: OwnerReference['kind'];
  @Required('must not be empty') readonly name?: OwnerReference['name'];
  @Required('must not be empty') readonly uid?: OwnerReference['uid'];
}

/** A reference by kind and name, as autoscalers and operations have. */
export class TargetReferenceRules {
  @Required() readonly kind?: string;
  @Required() readonly name?: string;
}

/** Whether a selector selects nothing in particular. */
export function isEmptySelector(selector: LabelSelector | undefined): boolean {
  return Object.keys(selector?.matchLabels ?? {}).length === 0 && (selector?.matchExpressions ?? []).length === 0;
}
