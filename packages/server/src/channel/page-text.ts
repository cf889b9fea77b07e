import { Readable } from 'node:stream';
import { takeTurn } from '@weir/base';
import type { MsgEntry, Page } from '@weir/channel';
import { endDocument, messageDocument, type PayloadForm } from './message-document.js';

/** Characters created in one turn of the event loop. */
const PIECE = 64 * 1024;

/** The form of a page. */
export interface PageForm {
  readonly form: PayloadForm;
  /** The owner (a project) that shares the event loop fairly with others. */
  readonly owner: string;
}

/**
 * A page of messages as JSON: one text; if it is long, a stream of pieces, each created in its own turn of the event
 * loop.
 */
export async function pageText(
  { entries, next, closed }: Page,
  { form, owner }: PageForm,
): Promise<string | Readable> {
  await takeTurn(owner);
  const rest = JSON.stringify({ next, ...(closed !== undefined && { closed: endDocument(closed) }) });
  const pieces = piecesOf(entries, form, `],${rest.slice(1)}`);
  const first = pieces.next();
  const second = pieces.next();
  // The generator always yields at least one piece.
  if (second.done === true) return first.value ?? '';
  return Readable.from(inTurns([first.value ?? '', second.value], pieces, owner), { objectMode: false });
}

async function* inTurns(
  made: readonly string[],
  pieces: Iterable<string>,
  owner: string,
): AsyncGenerator<string> {
  yield* made;
  for (const piece of pieces) {
    yield piece;
    await takeTurn(owner);
  }
}

function* piecesOf(
  entries: readonly MsgEntry[],
  form: PayloadForm,
  end: string,
): Generator<string, undefined> {
  let text = '{"messages":[';
  for (const [i, entry] of entries.entries()) {
    text += `${i === 0 ? '' : ','}${JSON.stringify(messageDocument(entry, form))}`;
    if (text.length < PIECE) continue;
    yield text;
    text = '';
  }
  yield text + end;
}
