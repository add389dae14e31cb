import { expect, test } from '@jest/globals';
import { subnetHolder } from './up.js';

test('a subnet that another link holds is named with the link; the own bridge may have it', () => {
  const links = { lo: [{ address: '127.0.0.1' }], 'br-two': [{ address: '10.88.0.1' }] };
  expect(subnetHolder({ subnet: '10.88.0', bridge: 'berth0' }, links)).toBe('br-two');
  expect(subnetHolder({ subnet: '10.88.0', bridge: 'br-two' }, links)).toBeUndefined();
  expect(subnetHolder({ subnet: '10.8.0', bridge: 'berth0' }, links)).toBeUndefined();
});
