import { setTimeout as pause } from 'node:timers/promises';
import { DatabaseError, escapeIdentifier, escapeLiteral, type Client } from 'pg';
import { scramVerifier } from './scram-verifier';

/** Contexts with a database role and a schema of their own. */
export const CONTEXTS = [
  'registry',
  'health',
  'saga',
  'messaging',
  'observability',
  'audit',
] as const;

const CONTEXT_NAME = /^[a-z][a-z0-9_]{0,30}$/;
const ATTEMPTS_MAX = 50;

/**
 * Roles belong to the whole cluster while locks belong to one database, so suites and tests that
 * migrate at once do meet here: a role that exists by now, or a catalogue row somebody else just changed.
 */
const MET_ANOTHER = new Set(['42710', '23505', 'XX000', '40P01']);

/** Who stands behind a suite in a cluster; two suites in one cluster take two prefixes. */
export const ROLE_PREFIX = 'downbeat';

/** The login role of a context: `downbeat_registry`. @throws {RangeError} */
export const roleOf = (context: string, prefix: string = ROLE_PREFIX): string => {
  if (!CONTEXT_NAME.test(context) || context === 'log' || context === 'context')
    throw new RangeError(`${context} cannot be the name of a context`);
  return `${checkedPrefix(prefix)}_${context}`;
};

/** Owns the log's functions; nobody logs in as it. */
export const logRole = (prefix: string): string => `${checkedPrefix(prefix)}_log`;

/** What every context may do. */
export const contextRole = (prefix: string): string => `${checkedPrefix(prefix)}_context`;

function checkedPrefix(prefix: string): string {
  if (!CONTEXT_NAME.test(prefix)) throw new RangeError(`${prefix} cannot be a prefix of roles`);
  return prefix;
}

/** Creates the roles that are missing, and sets the passwords given. Safe to repeat, also at once. */
export async function provideRoles(
  owner: Client,
  prefix: string,
  contexts: readonly string[],
  passwords: Readonly<Record<string, string>>,
): Promise<void> {
  await again(() => createRole(owner, logRole(prefix), 'nologin'));
  await again(() => createRole(owner, contextRole(prefix), 'nologin'));
  for (const context of contexts) {
    const role = roleOf(context, prefix);
    await again(() => createRole(owner, role, 'login'));
    await again(() => join(owner, role, contextRole(prefix)));
    const password = passwords[context];
    if (password !== undefined) {
      const verifier = escapeLiteral(scramVerifier(password));
      await again(() => owner.query(`alter role ${escapeIdentifier(role)} password ${verifier}`));
    }
  }
  await again(() => mayBecome(owner, logRole(prefix)));
}

async function createRole(owner: Client, role: string, login: 'login' | 'nologin'): Promise<void> {
  const known = await owner.query('select from pg_roles where rolname = $1', [role]);
  if (known.rowCount === 0) await owner.query(`create role ${escapeIdentifier(role)} ${login}`);
}

async function join(owner: Client, role: string, group: string): Promise<void> {
  const { rows } = await owner.query<{ is_member: boolean }>(
    `select pg_has_role($1, $2, 'member') as is_member`,
    [role, group],
  );
  if (!rows[0]?.is_member)
    await owner.query(`grant ${escapeIdentifier(group)} to ${escapeIdentifier(role)}`);
}

/** An owner that is no superuser may give functions only to a role it could become itself. */
async function mayBecome(owner: Client, role: string): Promise<void> {
  const { rows } = await owner.query<{ name: string; may: boolean }>(
    `select rolname as name, rolsuper or pg_has_role(rolname, $1, 'set') as may
       from pg_roles where rolname = current_user`,
    [role],
  );
  if (rows[0] && !rows[0].may)
    await owner.query(
      `grant ${escapeIdentifier(role)} to ${escapeIdentifier(rows[0].name)} with inherit false, set true`,
    );
}

async function again(attempt: () => Promise<unknown>): Promise<void> {
  for (let attempts = 1; ; attempts++) {
    try {
      await attempt();
      return;
    } catch (fault) {
      const isPassing = fault instanceof DatabaseError && MET_ANOTHER.has(fault.code ?? '');
      if (!isPassing || attempts === ATTEMPTS_MAX) throw fault;
    }
    await pause(5 + Math.random() * 20);
  }
}
