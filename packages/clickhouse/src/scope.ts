import { createHash } from 'node:crypto';

/**
 * Whose rows a query may see. The scope travels in a setting that every ClickHouse has, `log_comment`, as
 * `<scope>:<proof>:…`: scope is a project's id or `*`, and proof is HEX(SHA256(key‖scope‖key)) with a key that only
 * Weir and the row policies know. A statement can set log_comment itself (a nested SETTINGS clause slips past
 * readonly=1 on many versions), but it cannot make a proof; so a row policy that checks it holds.
 */
export class ScopeSigner {
  readonly #key: string;

  /** @param key 64 hexadecimal digits: it stands in the policies' text */
  constructor(key: string) {
    if (!/^[0-9a-f]{64}$/.test(key)) throw new Error('a scope key is 64 hexadecimal digits');
    this.#key = key;
  }

  /** The beginning of the `log_comment` of whoever sees every project. */
  everybody(): string {
    return `*:${this.#proof('*')}`;
  }

  /** The beginning of the `log_comment` of whoever sees one project. */
  project(projectId: string): string {
    return `${projectId}:${this.#proof(projectId)}`;
  }

  /** A condition that is true for whoever sees every project. */
  everybodyFilter(): string {
    return `(startsWith(${COMMENT}, '*:') AND ${this.#proved("'*'", 3)})`;
  }

  /**
   * The condition of a base table's row policy. It folds to `project_id = X`, so the primary key is used, and no
   * part of it can throw: an error's text would hold the key.
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
