export {
  QuantityError,
  addQuantities,
  canonicalQuantity,
  canonicalResourceAmount,
  compareQuantities,
  formatBytes,
  formatMillis,
  formatQuantity,
  isQuantity,
  parseQuantity,
  quantityMillis,
  quantityValue,
  subtractQuantities,
} from './quantity.js';
export type { Quantity, QuantityFormat } from './quantity.js';
