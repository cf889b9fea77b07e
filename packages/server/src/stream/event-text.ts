/** Events of an event stream as text, made piece by piece: of a large one nobody else waits for the whole. */

/** Text that is made at once; line ends alone grow to six times as much. */
const PIECE = 64 * 1024;

/** One event. Every line of the text is a line of data; a space in front of one is kept by another. */
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

/** One event whose data is bytes, in base64. */
export function* eventBase64(type: string, bytes: Buffer): Generator<string> {
  yield `event: ${type}\ndata:`;
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    yield bytes.subarray(at, at + PIECE_BYTES).toString('base64');
  }
  yield '\n\n';
}

/** Joins small texts, so that what is small is one. */
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

/** Bytes are in base64 by three. */
const PIECE_BYTES = PIECE - (PIECE % 3);
/** What ends a line, and the space the next begins with. */
const LINE_END = /(?:\r\n|\r|\n)( ?)/g;
/** Two that must not be apart: of one line end, of a line end and the space behind it, or of one character. */
const INSEPARABLE = /^(?:\r\n|[\r\n] |[\ud800-\udbff][\udc00-\udfff])$/;
