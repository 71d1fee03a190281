/** What a process of ours exits with (design, section 9). */
export type ExitCode = 1 | 2 | 3 | 4 | 5;

/**
 * Every error that a person can meet: what it means, and the exit code of a command that ends in it.
 * 1 it failed · 2 a check says no · 3 bad usage or config · 4 somebody else holds the run · 5 a part is out of reach.
 * `docs/errors.md` documents the same list; a test keeps the two equal.
 */
export const codes = {
  USAGE: { exit: 3, meaning: 'the command line has an unknown verb, option or extraction' },
  CONFIG_INVALID: {
    exit: 3,
    meaning: 'strangler.config.ts has an unknown key, a wrong type or two owners of a route',
  },
  CONFIG_NOT_FOUND: { exit: 3, meaning: 'no config file at that path' },
  ENV_MISSING: { exit: 3, meaning: 'an environment variable that the config or a process needs is not set' },
  NODE_TOO_OLD: { exit: 3, meaning: 'the node that runs the command cannot run TypeScript' },
  PORT_TAKEN: { exit: 3, meaning: 'a port that the stack wants is in use' },
  STACK_RUNNING: { exit: 4, meaning: 'another stack runs on the same data' },
  JAVA_MISSING: { exit: 3, meaning: 'the grown engine needs Java 17 or newer' },
  MAVEN_MISSING: { exit: 3, meaning: 'the grown engine is fetched by Maven, which is not there' },
  ARTIFACTS_FAILED: { exit: 5, meaning: 'Maven could not fetch Kafka, Connect and Debezium' },
  CONNECT_UNREACHABLE: { exit: 5, meaning: 'Kafka Connect does not answer' },
  CONNECTOR_FAILED: { exit: 1, meaning: 'a Debezium connector stays failed' },
  COMPONENT_FAILED: { exit: 1, meaning: 'a part of the stack did not start, or a command of it failed' },
  FLAG_SERVER_MISSING: { exit: 5, meaning: 'the flag server could not be installed' },
  POSTGRES_MISSING: { exit: 5, meaning: 'the PostgreSQL binaries for this platform are not installed' },
  POSTGRES_FAILED: { exit: 1, meaning: 'a PostgreSQL server of ours did not start, or could not be stopped' },
  DATABASE_UNREACHABLE: { exit: 5, meaning: 'PostgreSQL does not answer at that address' },
  ROLE_REFUSED: { exit: 5, meaning: 'PostgreSQL refuses the role or its password' },
  FLAGS_UNREACHABLE: { exit: 5, meaning: 'the flag server does not answer' },
  LEDGER_MISSING: { exit: 3, meaning: 'the schema strangler is not there: setup was not run' },
  ENVIRONMENT_MISMATCH: { exit: 2, meaning: 'the database is a copy, or belongs to another environment' },
  CHECK_FAILED: { exit: 2, meaning: 'doctor found something that would go wrong' },
  GATE_CLOSED: { exit: 2, meaning: 'a gate of the switch says no' },
  DRAIN_TIMEOUT: {
    exit: 2,
    meaning: 'writes in flight did not end within the drain bound; nothing was changed',
  },
  FENCE_REFUSED: { exit: 2, meaning: 'the old owner could not be fenced; nothing was changed' },
  CATCH_UP_TIMEOUT: { exit: 2, meaning: 'the stream did not reach the fence in time; the old owner goes on' },
  DECISION_LATE: { exit: 2, meaning: 'the fence had lapsed before the decision; the old owner goes on' },
  OPEN_TIMEOUT: {
    exit: 1,
    meaning: 'decided, but the new owner has not opened yet; the stream will open it',
  },
  RUN_HELD: { exit: 4, meaning: 'another operator holds the run of this extraction' },
  STAGE_WRONG: { exit: 2, meaning: 'the extraction is not at the stage that the verb needs' },
  SLOT_LOST: { exit: 1, meaning: 'the replication slot is gone or was invalidated: changes are missing' },
  TARGET_BEHIND_SLOT: { exit: 1, meaning: 'the target is older than the slot: changes in between are lost' },
  STREAM_STOPPED: { exit: 1, meaning: 'a change could not be applied; nothing is skipped' },
  LEASE_LOST: { exit: 1, meaning: 'another sink has taken over the stream' },
  ROW_MISSING: { exit: 1, meaning: 'an update or delete found no row on the other side' },
  TARGET_NOT_EMPTY: { exit: 2, meaning: 'the service tables hold rows before the copy' },
  COPY_FAILED: { exit: 1, meaning: 'the copy ended early; it starts again from nothing' },
  SQL_REFUSED: { exit: 1, meaning: 'PostgreSQL refused a statement of ours' },
  DEADLINE: { exit: 1, meaning: 'a bounded wait ran out' },
  UNEXPECTED: { exit: 1, meaning: 'a defect of ours' },
} as const satisfies Record<string, { exit: ExitCode; meaning: string }>;

export type ErrorCode = keyof typeof codes;
