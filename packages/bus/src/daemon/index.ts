export { type RunBusOptions, runBus } from './run-bus.js';
