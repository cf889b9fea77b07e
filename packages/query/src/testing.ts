/** For tests that send SQL through more than the gate; not part of the public API. */
export { ATTACKS, type Attack } from './gate/corpus/attacks.js';
export { LEGITIMATE } from './gate/corpus/legitimate.js';
