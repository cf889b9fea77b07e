export { findProgram, type Program } from './find-program.js';
export { freePort } from './free-port.js';
export { leastCpu } from './least-cpu.js';
export { type SmallDisk, smallDisk } from './small-disk.js';
