/** Validates the request of `weir event consume` before anything is started. */

import { defined } from '@weir/base';
import { type BusApp, type BusDirectory, busDirectory, type OnSlow } from '@weir/bus/client';
import { type Params, parseParams, type RegisteredKey } from '@weir/event';
import { ConsumeError, PostSink, type PreparedConsume, prepareConsume } from '@weir/event/consume';
import { shippedKeys, sourceOf } from '@weir/event/keys';
import type { SourceSpec } from '@weir/event/source';
import { ApiClient } from '../api/client.js';
import { requireKey as requireApiKey } from '../connection/connection.js';
import { weirHome } from '../connection/profiles.js';
import type { Invocation } from '../invocation.js';
import {
  type Bounds,
  boundsOf,
  type ConsumeFlags,
  isUntilNow,
  placeOf,
  type SinkChoice,
  sinkOf,
  type Work,
  workOf,
} from './consume-options.js';
import { groupTask } from './group-task.js';
import { hookApi } from './hook-api.js';
import { loadKeys, requireKey } from './key-registry.js';
import { requireScopes } from './require-scopes.js';

/** A validated consumer. */
export interface ConsumeJob {
  readonly prepared: PreparedConsume;
  readonly source: SourceSpec | 'stdin';
  /** Identifies the bus that serves the consumer. */
  readonly app: BusApp;
  readonly directory: BusDirectory;
  /** API key of the project; for local sources only if a cleanup may need it. */
  readonly credential: string | undefined;
  readonly sink: SinkChoice;
  readonly bounds: Bounds;
  readonly work: Work;
  readonly from: string;
  /** Ends at the newest event that exists at the start. */
  readonly isUntilNow: boolean;
  readonly onSlow: OnSlow;
  readonly group: string | undefined;
  /** What the consumer does with the group's events. */
  readonly task: string;
  /** Absolute path; undefined for shipped keys. */
  readonly keysFile: string | undefined;
}

/**
 * Parses and validates the request. The caller closes `prepared.jq`.
 *
 * @throws CliError, ConsumeError or ParamsError if the request is invalid
 */
export async function prepareJob(
  invocation: Invocation,
  name: string,
  flags: ConsumeFlags,
): Promise<ConsumeJob> {
  const { env } = invocation.context;
  const [sink, bounds, work] = [sinkOf(flags), boundsOf(flags), workOf(flags)];
  const untilNow = isUntilNow(flags);
  // A dry run reports the same errors as a real run.
  if (sink.kind === 'post') new PostSink(sink.to);
  refuseIdentity(flags);
  const keys = await loadKeys(flags.keys, invocation.context);
  const key = requireKey(keys, name);
  const given = parseParams(key.params, flags.param ?? []);
  const upstream = await upstreamOf(invocation, key, given);
  if (untilNow && (upstream.source === 'stdin' || upstream.source.kind !== 'feed'))
    throw refused('until', 'no_end', 'only the feed of a project knows its newest event');
  // A bounded read of the history does not use the bus.
  const isAlone = upstream.source === 'stdin' || untilNow;
  const onSlow = onSlowOf(upstream.source, flags);
  const prepared = await prepareConsume({
    key,
    params: upstream.params,
    api: hookApi(upstream.api),
    identity: flags.as ?? 'bot',
    isAlone,
    ...defined({ jq: flags.jq }),
  });
  const source = sourceOf(key, prepared.params, upstream);
  return {
    prepared,
    source,
    app: upstream.app,
    directory: busDirectory(weirHome(env), upstream.app, env),
    credential: upstream.credential,
    sink,
    bounds,
    // Prefetch only as many events as there are workers: an idle member could handle events that wait here.
    work: sink.kind === 'exec' || sink.kind === 'post' ? { prefetch: key.workers, ...work } : work,
    from: placeOf(flags.from, Date.now(), untilNow ? 'earliest' : 'latest'),
    isUntilNow: untilNow,
    onSlow,
    group: flags.group,
    task: groupTask(prepared, flags.jq),
    keysFile: isShipped(key) ? undefined : keys.file,
  };
}

function isShipped({ key }: RegisteredKey): boolean {
  return shippedKeys.some((shipped) => shipped.key === key);
}

interface Upstream {
  readonly app: BusApp;
  readonly server: string;
  readonly project: string;
  readonly credential: string | undefined;
  readonly api: ApiClient;
  readonly params: Params;
  readonly source: SourceSpec | 'stdin';
}

/** Resolves the source; only the feed and channels need a server, a project and a credential. */
async function upstreamOf(invocation: Invocation, key: RegisteredKey, given: Params): Promise<Upstream> {
  const draft = sourceOf(key, given, { server: 'http://localhost', project: 'any' });
  if (draft === 'stdin' || (draft.kind !== 'feed' && draft.kind !== 'channel')) {
    const { server, project, key: credential } = await invocation.connection();
    const hasLease = key.preConsume !== undefined || key.cleanup !== undefined;
    return {
      app: {},
      server,
      project: project ?? '',
      // The source needs no credential, but a cleanup in a helper may.
      credential: hasLease ? (credential ?? undefined) : undefined,
      api: new ApiClient(server, credential),
      params: given,
      source: draft,
    };
  }
  const named = typeof given.project === 'string' ? given.project : undefined;
  const { api, connection } = await invocation.project(named);
  const { project, key: credential } = requireApiKey(connection);
  await requireScopes(api, project, key);
  const { server } = connection;
  const params = withProject(key, given, project);
  return { app: { server, project }, server, project, credential, api, params, source: draft };
}

/** Adds the project to the params, so that the subscription id contains it no matter how the user selected the project. */
function withProject(key: RegisteredKey, params: Params, project: string): Params {
  return key.params.some(({ name }) => name === 'project') ? { ...params, project } : params;
}

/** Rejects --as user, which is not supported yet. */
function refuseIdentity({ as }: ConsumeFlags): void {
  if (as !== 'user') return;
  throw new ConsumeError('auth', 'no_user', 'events cannot be consumed as a user yet: only API keys can', {
    param: 'as',
    hint: 'Leave --as out, or give --as bot.',
  });
}

/** Valid group names on the server. */
const GROUP = /^[A-Za-z0-9._-]{1,64}$/;

function onSlowOf(source: SourceSpec | 'stdin', { onSlow, group, from }: ConsumeFlags): OnSlow {
  const hasOffsets = source !== 'stdin' && ['feed', 'channel', 'file'].includes(source.kind);
  if (group !== undefined && (source === 'stdin' || source.kind !== 'feed')) {
    throw refused('group', 'no_groups', 'only events of a project can be shared by a group');
  }
  if (group !== undefined && !GROUP.test(group)) {
    throw new ConsumeError('usage', 'invalid_group', `${JSON.stringify(group)} is not a valid group name`, {
      param: 'group',
      hint: 'Give 1 to 64 letters, digits, dots, underscores and hyphens.',
    });
  }
  if (group !== undefined && onSlow !== undefined) {
    throw refused('on-slow', 'group_waits', 'a group keeps events until they are handled, however slowly');
  }
  if (onSlow === 'replay' && !hasOffsets) {
    throw refused('on-slow', 'no_replay', 'this source cannot be replayed');
  }
  if (from !== undefined && from !== 'latest' && !hasOffsets) {
    throw refused('from', 'no_history', 'this source has no history: it starts with the next event');
  }
  return onSlow ?? (hasOffsets ? 'replay' : 'drop-oldest');
}

function refused(param: string, code: string, message: string): ConsumeError {
  return new ConsumeError('usage', code, message, { param, hint: `Leave --${param} out.` });
}
