import { Session } from 'chdb';
import { EngineException } from './engine-exception.js';
import { identifier, literal } from './sql-text.js';

/** What a session of chDB needs to know to open on the engine's directory. Plain data: it is sent to worker threads. */
export interface SessionPlace {
  readonly directory: string;
  readonly configurationArgument: string;
}

/** What a statement runs with. Plain data. */
export interface SessionSetup {
  readonly settings: readonly (readonly [name: string, value: string])[];
  readonly params: readonly (readonly [name: string, value: string])[];
  readonly database: string | undefined;
  /** The scope, see scope.ts. */
  readonly comment: string;
  /** A role that replaces all rights; the session is frozen with it. */
  readonly role: 'reader' | 'nobody' | undefined;
}

// At 1 an EXPLAIN in a subquery counts as a temporary table; at 2 settings are free, for a role that may read nothing.
const READONLY = { reader: 1, nobody: 2 } as const;

/**
 * Opens a session for one statement. Settings are the session's arguments: a SET would stay for whoever comes next,
 * so no session is ever shared. Opening takes 0.2 ms; the caller closes it.
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

/** The same at once, for a thread that has nothing else to do: it saves the way to another thread and back. */
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
    // The values come in ClickHouse's escaped form, which is what SET reads.
    ...setup.params.map(([name, value]) => `SET param_${name}=${literal(value)}`),
    ...(setup.role === undefined ? [] : [`SET ROLE ${setup.role}`, `SET readonly=${READONLY[setup.role]}`]),
  ];
  return { session, statements: statements.join(';') };
}

/** Opens a session with arguments; chDB says nothing of why it refuses them. */
export function openBareSession(place: SessionPlace, args: readonly string[]): Session {
  try {
    return new Session(place.directory, { connectionArgs: [place.configurationArgument, ...args] });
  } catch (error) {
    // chDB says nothing of why. Without settings of the caller's it is not the caller's fault.
    if (args.length === 0) throw EngineException.from(error);
    throw new EngineException(36, 'BAD_ARGUMENTS', 'The engine refuses the value of a setting');
  }
}
