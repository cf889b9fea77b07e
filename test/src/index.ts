export { type BusFacts, busesOf, killBuses } from './harness/buses.js';
export { ClickHouseServer } from './harness/clickhouse-server.js';
export { type ConsumedLine, Consumer, type ConsumerEnd } from './harness/consumer.js';
export { FaultProxy, type InsertFault } from './harness/fault-proxy.js';
export { describeKills, type KillCounts, killRepeatedly, type Victim } from './harness/killer.js';
export { Load, type LoadOptions } from './harness/load.js';
export { commandLine, processorSeconds, processTree, residentBytes } from './harness/process-tree.js';
export { allOnce, type Reckoning, reckon } from './harness/reckoning.js';
export { waitUntil } from './harness/wait-until.js';
export {
  type Environment,
  type RawAnswer,
  type SendAnswer,
  WeirProcess,
} from './harness/weir-process.js';
