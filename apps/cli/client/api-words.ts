/**
 * The functions of libs/api that the command line uses, each from its own file: the whole library brings schemas and
 * validation of every kind along, for which no command should make its user wait.
 */
export { ageOf, humanDuration } from '../../../libs/api/printers/human-duration.js';
export { podStatusText } from '../../../libs/api/printers/pod.js';
export { quantityMillis, quantityValue } from '../../../libs/api/quantity/index.js';
export { formatLabelSelector, labelSelectorRequirements } from '../../../libs/api/selectors/label-selector.js';
