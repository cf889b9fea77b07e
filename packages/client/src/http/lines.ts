/** The lines of a body, without their ends; the last one counts if it is not empty. */
export async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  // Pieces of a line are joined once: adding to one text for each piece costs its length squared.
  let pieces: string[] = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      const lines = (done ? decoder.decode() : decoder.decode(value, { stream: true })).split('\n');
      for (let i = 0; i < lines.length - 1; i += 1) {
        pieces.push(lines[i] ?? '');
        const line = pieces.join('');
        pieces = [];
        if (line !== '') yield line;
      }
      pieces.push(lines.at(-1) ?? '');
      if (done) break;
    }
    const last = pieces.join('');
    if (last !== '') yield last;
  } finally {
    // A caller that stops early ends the request.
    await reader.cancel().catch(() => {});
  }
}
