import { Session } from 'chdb';
import { EngineException } from './engine-exception.js';
import { identifier, literal } from './sql-text.js';

/**
 * The facts that a chDB session needs to open on the engine's directory. Plain data, because it is sent to worker
 * threads.
 */
export interface SessionPlace {
  readonly directory: string;
  readonly configurationArgument: string;
}

/** The context of a statement. Plain data. */
export interface SessionSetup {
  readonly settings: readonly (readonly [name: string, value: string])[];
  readonly params: readonly (readonly [name: string, value: string])[];
  readonly database: string | undefined;
  /** The scope, see scope.ts. */
  readonly comment: string;
  /** A role that replaces all rights; the session is then frozen. */
  readonly role: 'reader' | 'nobody' | undefined;
}

// At 1, an EXPLAIN in a subquery is rejected as a temporary table; at 2, settings can be changed, which is harmless for
// a role without rights.
const READONLY = { reader: 1, nobody: 2 } as const;

/**
 * Opens a session for one statement. Settings are arguments of the session: a SET would affect later statements, so a
 * session is never shared. Opening takes 0.2 ms; the caller closes it.
 */
export async function openSession(place: SessionPlace, setup: SessionSetup): Promise<Session> {
  const { session, statements } = begin(place, setup);
  try {
    if (statements !== '') await session.queryAsync(statements);
    return session;
  } catch (error) {
    session.close();
    throw error;
  }
}

/**
 * As {@link openSession}, but synchronous, for a thread without other work: it saves a switch to another thread and
 * back.
 */
export function openSessionSync(place: SessionPlace, setup: SessionSetup): Session {
  const { session, statements } = begin(place, setup);
  try {
    if (statements !== '') session.query(statements);
    return session;
  } catch (error) {
    session.close();
    throw error;
  }
}

function begin(place: SessionPlace, setup: SessionSetup): { session: Session; statements: string } {
  const session = openBareSession(place, [
    ...setup.settings.map(([name, value]) => `--${name}=${value}`),
    `--log_comment=${setup.comment}`,
  ]);
  const statements = [
    ...(setup.database === undefined ? [] : [`USE ${identifier(setup.database)}`]),
    // The values are in ClickHouse's escaped form, which SET expects.
    ...setup.params.map(([name, value]) => `SET param_${name}=${literal(value)}`),
    ...(setup.role === undefined ? [] : [`SET ROLE ${setup.role}`, `SET readonly=${READONLY[setup.role]}`]),
  ];
  return { session, statements: statements.join(';') };
}

/** Opens a session with arguments; chDB gives no reason if it rejects them. */
export function openBareSession(place: SessionPlace, args: readonly string[]): Session {
  try {
    return new Session(place.directory, { connectionArgs: [place.configurationArgument, ...args] });
  } catch (error) {
    // chDB gives no reason. Without settings of the caller, the caller is not at fault.
    if (args.length === 0) throw EngineException.from(error);
    throw new EngineException(36, 'BAD_ARGUMENTS', 'The engine refuses the value of a setting');
  }
}
