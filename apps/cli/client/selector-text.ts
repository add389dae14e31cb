/** Label selectors of objects as the text of a query. */
import type { LabelSelector } from '../../../libs/api/index.js';
import { formatLabelSelector, labelSelectorRequirements } from './api-words.js';

/** `app=web,tier in (a,b)`; undefined where the object selects nothing. */
export function formatSelector(selector: LabelSelector | undefined): string | undefined {
  const requirements = labelSelectorRequirements(selector);
  return requirements === undefined || requirements.length === 0 ? undefined : formatLabelSelector(requirements);
}
