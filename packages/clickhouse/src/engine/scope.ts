import { createHash, randomBytes } from 'node:crypto';

/**
 * Whose rows a session may see. chDB has one user and no settings of our own, so the scope travels in a setting
 * that exists, `log_comment`, as `<scope>:<proof>:<nonce>:<tag>`: scope is a project's id or `*`, and proof is
 * HEX(SHA256(key‖scope‖key)) with a key made at each start. A statement can set log_comment itself (a nested
 * SETTINGS clause slips past readonly=1), but it cannot make a proof; so a row policy that checks it holds.
 */
export class ScopeSigner {
  readonly #key = randomBytes(32).toString('hex');

  /** The `log_comment` of a session that sees every project. */
  admin(nonce: string, tag: string): string {
    return this.#comment('*', nonce, tag);
  }

  /** The `log_comment` of a session that sees one project. */
  project(projectId: string, nonce: string, tag: string): string {
    return this.#comment(projectId, nonce, tag);
  }

  /** A condition that is true in an admin's session. */
  adminFilter(): string {
    return `(startsWith(${COMMENT}, '*:') AND ${this.#proved("'*'", 3)})`;
  }

  /**
   * The condition of a base table's row policy. It folds to `project_id = X`, so the primary key is used, and no
   * part of it can throw: an error's text would hold the key.
   */
  rowFilter(): string {
    const scope = `substring(${COMMENT}, 1, 36)`;
    return `${this.adminFilter()} OR (project_id = toUUIDOrZero(${scope}) AND ${this.#proved(scope, 38)})`;
  }

  #comment(scope: string, nonce: string, tag: string): string {
    const proof = createHash('sha256').update(this.#key).update(scope).update(this.#key).digest('hex');
    return `${scope}:${proof.toUpperCase()}:${nonce}:${tag}`;
  }

  #proved(scope: string, from: number): string {
    return `hex(SHA256(concat('${this.#key}', ${scope}, '${this.#key}'))) = substring(${COMMENT}, ${from}, 64)`;
  }
}

const COMMENT = "getSetting('log_comment')";
