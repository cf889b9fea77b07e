import type { Message, ProtocolError, StatusResponse } from '../protocol/index.js';
import type { Connection, ConnectionHandler } from './connection.js';

/** The operations of a bus that a control connection can call. */
export interface Controlled {
  status(): StatusResponse;
  countConsumers(): number;
  shutDown(): void;
  onClose(): void;
}

/** A control connection: queries the status of the bus or stops it. */
export class Control implements ConnectionHandler {
  readonly #connection: Connection;
  readonly #bus: Controlled;

  constructor(connection: Connection, bus: Controlled) {
    this.#connection = connection;
    this.#bus = bus;
  }

  onMessage(message: Message): void {
    if (message.type === 'status_query') this.#connection.send(this.#bus.status());
    else if (message.type === 'shutdown') this.#shutDown(message.force);
    else if (message.type === 'bye') this.#connection.close();
    else this.#refuse(`A control connection must not send ${message.type}.`);
  }

  onUnreadable(error: ProtocolError): void {
    this.#refuse(error.message);
  }

  onFree(): void {}

  onClose(): void {
    this.#bus.onClose();
  }

  #shutDown(force: boolean): void {
    const count = this.#bus.countConsumers();
    if (count > 0 && !force) {
      this.#refuse(`The bus has ${count === 1 ? 'a consumer' : `${count} consumers`}. Stop it with force.`);
      return;
    }
    this.#connection.end({ type: 'bye', reason: 'shutdown' });
    this.#bus.shutDown();
  }

  #refuse(message: string): void {
    this.#connection.end({ type: 'bye', reason: 'error', message });
  }
}
