/** `weir event consume`: from what was asked to the last line. */
import { resolve } from 'node:path';
import { type Params, parseParams, type RegisteredKey } from '@weir/event';
import {
  ConsumeError,
  consume,
  DirectorySink,
  type EventSink,
  ExecSink,
  exitedLine,
  type Outcome,
  PostSink,
  type PreparedConsume,
  prepareConsume,
  Stop,
  StreamSink,
} from '@weir/event/consume';
import { feedNames } from '@weir/event/keys';
import { type FeedOptions, FeedStream, feedUrl } from '@weir/event/source';
import { requireKey as requireApiKey } from '../connection/connection.js';
import type { Invocation } from '../invocation.js';
import { consumeFailure } from './consume-failure.js';
import { type Bounds, boundsOf, type ConsumeFlags, type SinkChoice, sinkOf } from './consume-options.js';
import { tellFailure } from './failure-document.js';
import { hookApi } from './hook-api.js';
import { loadRegistry, requireKey } from './key-registry.js';
import { watchStopCauses } from './stop-causes.js';

/**
 * Consumes until something stops it.
 * @throws CliError, already told on standard error, for all but a normal end
 */
export async function runConsume(invocation: Invocation, name: string, flags: ConsumeFlags): Promise<void> {
  let outcome: Outcome | undefined;
  try {
    const job = await prepare(invocation, name, flags);
    try {
      if (flags.dryRun === true) {
        invocation.output.document(planOf(job, flags));
        return;
      }
      outcome = await run(invocation, job, flags);
    } finally {
      await job.prepared.jq?.close();
    }
    if (outcome.error !== undefined) throw outcome.error;
    if (outcome.failed > 0) throw eventsFailed(outcome.failed);
  } catch (error) {
    const { failure, facts } = consumeFailure(error);
    throw tellFailure(failure, (line) => invocation.output.note(line), facts);
  } finally {
    if (outcome !== undefined && flags.quiet !== true) invocation.output.note(exitedLine(outcome));
  }
}

interface Job {
  readonly prepared: PreparedConsume;
  readonly feed: FeedOptions;
  readonly sink: SinkChoice;
  readonly bounds: Bounds;
}

async function prepare(invocation: Invocation, name: string, flags: ConsumeFlags): Promise<Job> {
  const { context } = invocation;
  const [sink, bounds] = [sinkOf(flags), boundsOf(flags)];
  // A dry run refuses what a real one would.
  if (sink.kind === 'post') new PostSink(sink.to);
  const key = requireKey(await loadRegistry(flags.keys, context.cwd), name);
  const given = parseParams(key.params, flags.param ?? []);
  const named = typeof given.project === 'string' ? given.project : undefined;
  const { api, connection } = await invocation.project(named);
  const { project, key: apiKey } = requireApiKey(connection);
  const prepared = await prepareConsume({
    key,
    params: withProject(key, given, project),
    api: hookApi(api),
    identity: 'bot',
    ...(flags.jq === undefined ? {} : { jq: flags.jq }),
  });
  const names = feedNames(key, prepared.params);
  const feed = {
    server: connection.server,
    project,
    key: apiKey,
    from: flags.from ?? 'latest',
    ...(names === undefined ? {} : { names }),
  };
  return { prepared, feed, sink, bounds };
}

/** A subscription is one of a project, whoever named it. */
function withProject(key: RegisteredKey, params: Params, project: string): Params {
  return key.params.some(({ name }) => name === 'project') ? { ...params, project } : params;
}

async function run(invocation: Invocation, job: Job, flags: ConsumeFlags): Promise<Outcome> {
  const { context, output } = invocation;
  const { prepared, feed, bounds } = job;
  const stop = new Stop();
  const sink = await openSink(job.sink, invocation);
  const forget = watchStopCauses(
    stop,
    context,
    bounds.maxEvents !== undefined || bounds.timeoutMs !== undefined,
  );
  try {
    const tell = (line: string) => {
      if (flags.quiet !== true) output.note(line);
    };
    return await consume(prepared, { stream: new FeedStream(feed), sink, stop, tell, ...bounds });
  } finally {
    forget();
    if (stop.hurry.aborted) context.abandonRest?.();
  }
}

async function openSink(choice: SinkChoice, { context }: Invocation): Promise<EventSink> {
  if (choice.kind === 'stdout') return new StreamSink(context.stdout);
  if (choice.kind === 'exec') return new ExecSink(choice.to, context.env);
  if (choice.kind === 'post') return new PostSink(choice.to);
  return await DirectorySink.open(resolve(context.cwd, choice.to));
}

/** What --dry-run says. */
function planOf({ prepared, feed, sink, bounds }: Job, flags: ConsumeFlags): object {
  const { key, params, subscriptionId } = prepared;
  return {
    dry_run: true,
    event_key: key.key,
    params,
    subscription_id: subscriptionId,
    source: feedUrl(feed).href,
    from: feed.from,
    jq: flags.jq ?? null,
    sink,
    max_events: bounds.maxEvents ?? null,
    timeout_ms: bounds.timeoutMs ?? null,
  };
}

function eventsFailed(count: number): ConsumeError {
  return new ConsumeError('failed', 'events_failed', `${count} event(s) could not be handled`, {
    hint: 'The warnings say which, and why.',
  });
}
