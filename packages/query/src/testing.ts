/** For tests that send SQL through more than the gate; no part of the package's public face. */
export { ATTACKS, type Attack } from './gate/corpus/attacks.js';
export { LEGITIMATE } from './gate/corpus/legitimate.js';
