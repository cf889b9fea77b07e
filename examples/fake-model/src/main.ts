/** An executor: takes processes of type `fake-model`, talks on their channel `chat`, and stops when its caller says so. */
import { firstAbort } from '@weir/base';
import { type Job, Weir } from '@weir/client';
import { answer } from './answer.js';

const { WEIR_SERVER: url = 'http://127.0.0.1:8080', WEIR_KEY: key } = process.env;
if (key === undefined) {
  console.error('fake-model: set WEIR_KEY to an API key with the scopes process and channel');
  process.exit(2);
}

const weir = new Weir({ url, key });
const model = weir.worker('fake-model', run, { onError: (error) => console.error(`fake-model: ${error}`) });
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void model.close());
console.error(`fake-model: waiting for processes of ${url}`);
await model.closed;
await weir.close();

async function run(job: Job): Promise<unknown> {
  const { question = 'nothing', tokens = 200, pause_ms: pauseMs = 100 } = (job.args ?? {}) as Arguments;
  const chat = job.channel('chat');
  const interrupted = new AbortController();
  void listen(chat, interrupted);
  const stop = firstAbort(interrupted.signal, job.signal);
  let sent = 0;
  try {
    for await (const token of answer(question, { tokens, pauseMs, signal: stop.signal })) {
      await chat.send(token);
      sent += 1;
    }
  } finally {
    stop.release();
  }
  if (interrupted.signal.aborted) await chat.send(`\n(stopped: ${interrupted.signal.reason})\n`);
  await chat.sendEnd();
  return { tokens: sent, interrupted: interrupted.signal.aborted };
}

/** What the caller says interrupts the model. */
async function listen(chat: ReturnType<Job['channel']>, interrupted: AbortController): Promise<void> {
  try {
    for await (const message of chat) {
      if (message.from === 'submitter' && message.type === 'data') interrupted.abort(message.text().trim());
    }
  } catch {
    // The job is lost or over, and says so itself.
  }
}

/** What it may be submitted with. */
interface Arguments {
  readonly question?: string;
  readonly tokens?: number;
  readonly pause_ms?: number;
}
