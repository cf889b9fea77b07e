/** `weir event consume`, from the options to the last line. */

import { once } from 'node:events';
import { resolve } from 'node:path';
import { defined } from '@weir/base';
import { BusStream } from '@weir/bus/client';
import {
  ConsumeError,
  consume,
  DirectorySink,
  type EventSink,
  ExecSink,
  exitedLine,
  type Outcome,
  PostSink,
  Stop,
  StreamSink,
  warnLine,
} from '@weir/event/consume';
import { type EventStream, FeedStream, StdinStream } from '@weir/event/source';
import type { Invocation } from '../invocation.js';
import { VERSION } from '../version.js';
import { ownCommand } from './bus-command.js';
import { consumeFailure } from './consume-failure.js';
import { type ConsumeJob, prepareJob } from './consume-job.js';
import type { ConsumeFlags } from './consume-options.js';
import { reportFailure } from './failure-document.js';
import { planOf } from './plan.js';
import { watchInput, watchSignals } from './stop-causes.js';

/**
 * Consumes until something ends it.
 * @throws CliError, already reported on standard error, unless the end is normal
 */
export async function runConsume(invocation: Invocation, name: string, flags: ConsumeFlags): Promise<void> {
  const { context, output } = invocation;
  const stop = new Stop();
  const forget = watchSignals(stop, context);
  const begunAt = performance.now();
  let outcome: Outcome | undefined;
  try {
    const job = await Promise.race([prepareJob(invocation, name, flags), stopped(stop)]);
    if (job === undefined) {
      outcome = endBeforeBegin(stop, performance.now() - begunAt);
      context.abandonRest?.();
      return;
    }
    try {
      if (flags.dryRun === true) {
        output.document(planOf(job, flags));
        return;
      }
      outcome = await run(invocation, job, flags, stop);
    } finally {
      await job.prepared.jq?.close();
    }
    if (outcome.error !== undefined) throw outcome.error;
    if (outcome.failed > 0) throw eventsFailed(outcome.failed);
  } catch (error) {
    const { failure, facts } = consumeFailure(error);
    throw reportFailure(failure, (line) => output.note(line), facts);
  } finally {
    forget();
    if (outcome !== undefined && flags.quiet !== true) output.note(exitedLine(outcome));
  }
}

async function stopped({ signal }: Stop): Promise<undefined> {
  await once(signal, 'abort');
}

function endBeforeBegin(stop: Stop, elapsedMs: number): Outcome {
  stop.done();
  return { reason: stop.reason ?? 'signal', received: 0, failed: 0, elapsedMs };
}

async function run(
  invocation: Invocation,
  job: ConsumeJob,
  flags: ConsumeFlags,
  stop: Stop,
): Promise<Outcome> {
  const { context, output } = invocation;
  const { prepared, bounds, source } = job;
  const sink = await openSink(job, invocation);
  // The sink reports a failed output.
  context.onOutputFailure?.(() => {});
  const report = (line: string) => {
    if (flags.quiet !== true) output.note(line);
  };
  const isBounded = bounds.maxEvents !== undefined || bounds.timeoutMs !== undefined || job.isUntilNow;
  // If events come from standard input, its end is the end of the events.
  const forget =
    isBounded || source === 'stdin'
      ? () => {}
      : await watchInput(stop, context, (message) => report(warnLine(message)));
  try {
    const stream = streamOf(job, invocation, report);
    return await consume(prepared, {
      stream,
      sink,
      stop,
      report,
      reportAlways: (line) => output.note(line),
      failOnGap: flags.failOnGap === true,
      isBounded: job.group !== undefined,
      endOfStream: job.isUntilNow ? 'limit' : 'stdin',
      ...bounds,
    });
  } finally {
    forget();
    if (stop.hurry.aborted) context.abandonRest?.();
  }
}

function streamOf(job: ConsumeJob, { context }: Invocation, report: (line: string) => void): EventStream {
  const { source, app, directory, prepared, onSlow, from, credential, group, task, keysFile, work } = job;
  if (source === 'stdin') return new StdinStream(context.stdin);
  if (job.isUntilNow && source.kind === 'feed') {
    const { kind: _kind, ...feed } = source;
    return new FeedStream({ ...feed, key: credential ?? '', from, until: 'now' });
  }
  return new BusStream({
    directory,
    command: ownCommand(['_bus'], app, context.env),
    version: VERSION,
    prepared,
    source,
    identity: 'bot',
    onSlow,
    from,
    report,
    ...defined({ credential }),
    ...(group === undefined ? {} : { group, task }),
    ...(group === undefined || work.prefetch === undefined ? {} : { prefetch: work.prefetch }),
    ...defined({ keysFile }),
  });
}

async function openSink(
  { sink: choice, work }: ConsumeJob,
  { context, output }: Invocation,
): Promise<EventSink> {
  if (choice.kind === 'stdout') return new StreamSink(output.stdout);
  if (choice.kind === 'exec') return new ExecSink(choice.to, context.env, work.execTimeoutMs);
  if (choice.kind === 'post') return new PostSink(choice.to);
  return await DirectorySink.open(resolve(context.cwd, choice.to));
}

function eventsFailed(count: number): ConsumeError {
  return new ConsumeError('failed', 'events_failed', `${count} event(s) could not be handled`, {
    hint: 'See the warnings for the events and reasons.',
  });
}
