export { type BusApp, type BusDirectory, busDirectory } from '../directory/bus-directory.js';
export { type BusFile, readBusFile } from '../directory/bus-file.js';
export { isLocked } from '../directory/file-lock.js';
export { BusControl, type ShutdownAnswer } from './bus-control.js';
export { BusStream, type BusStreamOptions, type OnSlow } from './bus-stream.js';
export { type FoundBus, findBuses } from './find-buses.js';
export type { BusCommand, StartMessage } from './start-bus.js';
