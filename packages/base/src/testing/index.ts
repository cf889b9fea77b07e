export { findProgram, type Program } from './find-program.js';
export { freePort } from './free-port.js';
export { type SmallDisk, smallDisk } from './small-disk.js';
