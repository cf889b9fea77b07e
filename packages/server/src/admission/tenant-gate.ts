/** The admission gate as HTTP requests meet it: who asks goes in, a problem document comes out. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { WeirError } from '@weir/base';
import type { Surface } from '@weir/extension';
import type { Admission, AdmissionGate } from '@weir/usage';
import type { RemoteAddress } from '../http/remote-address.js';
import { whenDone } from '../http/when-done.js';
import { problemOfDenial } from './denial.js';

/** Whose credential a request came with. */
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

  /** @param upgradeUrl where a person can pay, named in every 402 */
  constructor(gate: AdmissionGate, remoteAddress: RemoteAddress, upgradeUrl: string | null) {
    this.#gate = gate;
    this.#remoteAddress = remoteAddress;
    this.#upgradeUrl = upgradeUrl;
  }

  /**
   * Lets a request pass, once its project is known; a promise only where a seam answers by one. What it holds is given
   * back when the response is done or the client has left.
   * @param readsEvents whether it asks for stored events; default by its surface
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

  /** The same for a part of a request, such as one of several calls: whoever asks releases what it holds. */
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
