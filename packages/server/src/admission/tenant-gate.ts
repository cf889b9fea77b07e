/** The admission gate for HTTP requests: it takes the credential of a request, and refuses with a problem document. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { WeirError } from '@weir/base';
import type { Surface } from '@weir/extension';
import type { Admission, AdmissionGate } from '@weir/usage';
import type { RemoteAddress } from '../http/remote-address.js';
import { whenDone } from '../http/when-done.js';
import { problemOfDenial } from './denial.js';

/** The tenant of a request, and its credential. */
export interface TenantCredential {
  readonly projectId: string;
  /** The credential's id. */
  readonly tokenId: string;
}

/** See the head of this file. */
export class TenantGate {
  readonly #gate: AdmissionGate;
  readonly #remoteAddress: RemoteAddress;
  readonly #upgradeUrl: string | null;

  /** @param upgradeUrl the page for payment, named in every 402 */
  constructor(gate: AdmissionGate, remoteAddress: RemoteAddress, upgradeUrl: string | null) {
    this.#gate = gate;
    this.#remoteAddress = remoteAddress;
    this.#upgradeUrl = upgradeUrl;
  }

  /**
   * Admits a request whose project is known; returns a promise only if a seam does. The admission is released when the
   * response ends or the client disconnects.
   * @param readsEvents whether the request reads stored events; default by its surface
   * @throws Problem 402, 403, 429 or 503, or rejects with it
   */
  admit(
    request: IncomingMessage,
    response: ServerResponse,
    surface: Surface,
    credential: TenantCredential,
    readsEvents?: boolean,
  ): void | Promise<void> {
    const admission = this.ask(request, surface, credential, readsEvents);
    if (admission instanceof Promise)
      return admission.then((answer) => this.#enter(answer, request, response));
    this.#enter(admission, request, response);
  }

  /** As {@link admit} for a part of a request, such as one of several calls; the caller releases the admission. */
  ask(
    request: IncomingMessage,
    surface: Surface,
    { projectId, tokenId }: TenantCredential,
    readsEvents?: boolean,
  ): Admission | Promise<Admission> {
    const remoteIp = this.#remoteAddress(request);
    return this.#gate.admit({ surface, projectId, userId: '', tokenId, remoteIp }, readsEvents);
  }

  /** Why a project may not read its events now; null if it may. */
  async analysisRefusal(projectId: string): Promise<WeirError | null> {
    const refusal = await this.#gate.analysisRefusal(projectId);
    return refusal === null ? null : problemOfDenial(refusal, this.#upgradeUrl);
  }

  #enter(admission: Admission, request: IncomingMessage, response: ServerResponse): void {
    if (!admission.ok) throw problemOfDenial(admission, this.#upgradeUrl);
    const { lease } = admission;
    if (lease !== null) whenDone(request, response, () => lease.release());
  }
}
