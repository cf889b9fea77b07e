/** Encodes events of an event stream as text, piece by piece, so that a large event does not block the event loop. */

/** Maximum text encoded at once; line ends alone grow sixfold. */
const PIECE = 64 * 1024;

/** Encodes one event. Every line of the text is a `data` line; a leading space is protected by another space. */
export function* eventText(type: string, text: string): Generator<string> {
  yield `event: ${type}\ndata:${text.startsWith(' ') ? ' ' : ''}`;
  for (let at = 0; at < text.length; ) {
    let end = Math.min(at + PIECE, text.length);
    while (INSEPARABLE.test(text.slice(end - 1, end + 1))) end += 1;
    yield text.slice(at, end).replaceAll(LINE_END, '\ndata:$1$1');
    at = end;
  }
  yield '\n\n';
}

/** Encodes one event whose data is bytes, in base64. */
export function* eventBase64(type: string, bytes: Buffer): Generator<string> {
  yield `event: ${type}\ndata:`;
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    yield bytes.subarray(at, at + PIECE_BYTES).toString('base64');
  }
  yield '\n\n';
}

/** Joins small texts, so that a small answer is one piece. */
export function* inPieces(texts: Iterable<string>): Generator<string> {
  let text = '';
  for (const one of texts) {
    text += one;
    if (text.length < PIECE) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}

/** Base64 encodes groups of three bytes. */
const PIECE_BYTES = PIECE - (PIECE % 3);
/** A line end, with the space that may follow it. */
const LINE_END = /(?:\r\n|\r|\n)( ?)/g;
/**
 * Two characters that must stay in one piece: of a line end, a line end and the space after it, or a surrogate pair.
 */
const INSEPARABLE = /^(?:\r\n|[\r\n] |[\ud800-\udbff][\udc00-\udfff])$/;
