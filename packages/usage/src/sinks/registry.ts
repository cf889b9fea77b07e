import type { Sink, SinkConfig, SinkConstructor } from '@weir/extension';

const NAME = /^[a-z][a-z0-9_-]{0,31}$/;

/**
 * Sinks by name: a value that is passed to the server, so that importing a package registers nothing globally.
 *
 * @example const sinks = new SinkRegistry().register('billing', (config) => new BillingSink(config));
 */
export class SinkRegistry {
  readonly #constructors = new Map<string, SinkConstructor>();

  /** The names in order of registration. */
  get names(): readonly string[] {
    return [...this.#constructors.keys()];
  }

  /** Adds a sink. Throws if the name is in use or invalid: lower-case letters, digits, `_` and `-`, at most 32. */
  register(name: string, make: SinkConstructor): this {
    if (!NAME.test(name)) {
      throw new Error(
        `"${name}" cannot name a usage sink: use a letter, then letters, digits, _ and -, lower case, 32 at most`,
      );
    }
    if (typeof make !== 'function') {
      throw new Error(`the usage sink "${name}" must be registered with a function that creates it`);
    }
    if (this.#constructors.has(name))
      throw new Error(`the usage sink "${name}" is already registered: use another name`);
    this.#constructors.set(name, make);
    return this;
  }

  /** Adds all sinks of another registry. Throws if a name is in use. */
  include(others: SinkRegistry): this {
    for (const [name, make] of others.#constructors) this.register(name, make);
    return this;
  }

  /** Opens a sink. Throws for an unknown name, or if its constructor throws (its `cause`). */
  async open(name: string, config: SinkConfig): Promise<Sink> {
    const make = this.#constructors.get(name);
    if (make === undefined) {
      throw new Error(`there is no usage sink "${name}": WEIR_USAGE_SINKS may name ${this.names.join(', ')}`);
    }
    let sink: unknown;
    try {
      sink = await make(config);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`the usage sink "${name}" cannot be opened: ${reason}`, { cause: error });
    }
    if (!isSink(sink)) {
      throw new Error(
        `what the usage sink "${name}" was opened as is no sink: it needs name, writeEvent and close`,
      );
    }
    if (sink.name !== name) {
      await sink.close(AbortSignal.abort());
      throw new Error(`the usage sink "${name}" has the name "${sink.name}": both must be equal`);
    }
    return sink;
  }
}

function isSink(value: unknown): value is Sink {
  return (
    typeof value === 'object' &&
    value !== null &&
    'name' in value &&
    typeof value.name === 'string' &&
    'writeEvent' in value &&
    typeof value.writeEvent === 'function' &&
    'close' in value &&
    typeof value.close === 'function'
  );
}
