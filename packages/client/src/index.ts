export {
  type Channel,
  type ChannelEnd,
  type ChannelOptions,
  channel,
  type SendOptions,
} from './channel/channel.js';
export type { Content, Message, MessageType } from './channel/message.js';
export type { Appended } from './channel/outgoing.js';
export { type Call, type Client, type ClientOptions, createClient } from './client.js';
export type { Job } from './process/job.js';
export type { ChannelSpec, Direction, NewProcess, Process, ProcessState } from './process/process.js';
export { SubmittedProcess, submit } from './process/submit.js';
export { type Handler, type Worker, type WorkerOptions, worker } from './process/worker.js';
export { WeirError, type WeirErrorDetails } from './weir-error.js';
