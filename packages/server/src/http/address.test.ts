import { expect, test } from 'vitest';
import { addressKey, isNear } from './address.js';

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::', '2001:db8:1:2::/64'],
  ['2001:DB8::7', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['', ''],
])('the address %s is limited as %s', (address, key) => {
  expect(addressKey(address)).toBe(key);
});

test.each([
  '127.0.0.1',
  '::1',
  '10.1.2.3',
  '172.31.0.1',
  '192.168.1.1',
  '::ffff:10.0.0.1',
  'fd00::1',
  'fe80::1%eth0',
])('a proxy may have the address %s', (address) => {
  expect(isNear(address)).toBe(true);
});

test.each(['192.0.2.7', '172.32.0.1', '2001:db8::1', '', 'x'])(
  'a proxy of the host does not have %s',
  (address) => {
    expect(isNear(address)).toBe(false);
  },
);
