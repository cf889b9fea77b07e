export type { Admin } from './admin/admin.js';
export type {
  DeadLetter,
  DeadLetterChoice,
  DeadLetterFilter,
  DeadLetterOverview,
  DeadLetterState,
  DeadLetters,
} from './admin/dead-letters.js';
export type {
  AdminProjects,
  ApiKey,
  ApiKeys,
  DeletedProject,
  IngestToken,
  IngestTokens,
  NewProject,
  Project,
  Scope,
} from './admin/projects.js';
export type { Tenant, TenantSettings, Tenants } from './admin/tenants.js';
export type { Channel, ChannelEnd, ChannelOptions, SendOptions } from './channel/channel.js';
export type { Content, Message, MessageType } from './channel/message.js';
export type { Appended } from './channel/outgoing.js';
export type { Feed, FeedEvent, FeedGap, FeedItem, FeedOptions, FeedStream } from './feed/feed.js';
export type { DeadChoice, DeadDelivery, Delivery, Group, Pulled, PullOptions } from './feed/group.js';
export type { ConsumeOptions, GroupConsumer, GroupHandler } from './feed/group-consumer.js';
export type { GroupOptions, GroupStatus, Groups } from './feed/groups.js';
export type { Ingested, IngestOptions } from './ingest/ingest.js';
export { type IdentifiedEvent, type NewEvent, withIds } from './ingest/new-event.js';
export type { Receipt, ReceiptState, ReceiptStatus, ReceiptWait } from './ingest/receipt.js';
export type { Job } from './process/job.js';
export type { ChannelSpec, Direction, NewProcess, Process, ProcessState } from './process/process.js';
export type { Processes, ProcessFilter } from './process/processes.js';
export type { SubmittedProcess } from './process/submitted-process.js';
export type { Handler, Worker, WorkerOptions } from './process/worker.js';
export type { QueryFormat, QueryOptions, QueryParameter, QueryResult } from './query/query.js';
export type { Schema, SchemaEvent, SchemaTable } from './query/schema.js';
export type { Usage, UsageGroup, UsageOptions, UsageRow } from './usage/usage.js';
export { Weir, type WeirOptions, type Whoami } from './weir.js';
export { WeirError, type WeirErrorDetails } from './weir-error.js';
