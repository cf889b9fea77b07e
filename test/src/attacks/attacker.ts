/** Runs one attack in a process of its own, so that its work does not slow down what is measured: `attacker.js NAME TARGET`. */
import { ATTACKS, type Target } from './attacks.js';

const [, , name = '', target = '{}'] = process.argv;
const attack = ATTACKS[name];
if (attack === undefined) throw new Error(`there is no attack "${name}"`);
// The cast holds: run-attack writes it.
const outcome = await attack(JSON.parse(target) as Target);
process.stdout.write(JSON.stringify(outcome), () => process.exit());
