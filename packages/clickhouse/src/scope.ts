import { createHash } from 'node:crypto';

/**
 * The scope of a query: the projects whose rows it may see. The scope is sent in a setting that every ClickHouse has,
 * `log_comment`, as
 * `<scope>:<proof>:…`: the scope is a project id or `*`, and the proof is HEX(SHA256(key‖scope‖key)) with a key known
 * only to Weir and the row policies. A statement can set log_comment itself (a nested SETTINGS clause bypasses
 * readonly=1 on many versions), but it cannot compute a proof; so a row policy that checks the proof holds.
 */
export class ScopeSigner {
  readonly #key: string;

  /** @param key 64 hexadecimal digits, because it is part of the text of the policies */
  constructor(key: string) {
    if (!/^[0-9a-f]{64}$/.test(key)) throw new Error('a scope key is 64 hexadecimal digits');
    this.#key = key;
  }

  /** The start of the `log_comment` of a session that sees every project. */
  everybody(): string {
    return `*:${this.#proof('*')}`;
  }

  /** The start of the `log_comment` of a session that sees one project. */
  project(projectId: string): string {
    return `${projectId}:${this.#proof(projectId)}`;
  }

  /** A condition that is true for sessions that see every project. */
  everybodyFilter(): string {
    return `(startsWith(${COMMENT}, '*:') AND ${this.#proved("'*'", 3)})`;
  }

  /**
   * The condition of a base table's row policy. It folds to `project_id = X`, so the primary key is used, and none of
   * it can throw: the text of an error would contain the key.
   */
  projectFilter(): string {
    const scope = `substring(${COMMENT}, 1, 36)`;
    return `(project_id = toUUIDOrZero(${scope}) AND ${this.#proved(scope, 38)})`;
  }

  #proof(scope: string): string {
    const hash = createHash('sha256').update(this.#key).update(scope).update(this.#key);
    return hash.digest('hex').toUpperCase();
  }

  #proved(scope: string, from: number): string {
    return `hex(SHA256(concat('${this.#key}', ${scope}, '${this.#key}'))) = substring(${COMMENT}, ${from}, 64)`;
  }
}

const COMMENT = "getSetting('log_comment')";
