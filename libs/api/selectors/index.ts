export {
  formatLabelSelector,
  labelSelectorRequirements,
  mapRequirements,
  matchesLabels,
  parseLabelSelector,
  selectorMatches,
} from './label-selector.js';
export type { LabelOperator, LabelRequirement } from './label-selector.js';
export { matchesFields, parseFieldSelector, requiredFieldValue, selectableFields } from './field-selector.js';
export type { FieldRequirement } from './field-selector.js';
