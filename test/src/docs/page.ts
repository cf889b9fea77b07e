/** A page of the documentation as a newcomer follows it: commands, and what the page says that they print. */

/** Commands that stand together, and the answer that the page shows of the last one. */
export interface Step {
  /** Line of the page, from 1. */
  readonly line: number;
  readonly commands: readonly string[];
  /** As the page has it; null where it shows none. */
  readonly answer: string | null;
}

/** A fenced block. */
export interface Block {
  readonly line: number;
  readonly language: string;
  readonly text: string;
}

/** Languages of blocks that show an answer. */
const ANSWERS = new Set(['', 'json', 'csv', 'text']);

/** The steps of a page in Markdown; SQL is a step by `weir query`. Commands that build, test or start the checkout are not among them. */
export function stepsOf(markdown: string): Step[] {
  const blocks = blocksOf(markdown);
  return blocks.flatMap((block, i) => {
    if (block.language === 'sql') {
      const command = `npx weir query '${block.text.replaceAll("'", "'\\''")}'`;
      return [{ line: block.line, commands: [command], answer: null }];
    }
    if (block.language !== 'sh') return [];
    const commands = commandsOf(block.text).filter((command) => !/^npm /.test(command));
    const next = blocks[i + 1];
    const answer = next !== undefined && ANSWERS.has(next.language) ? next.text : null;
    return commands.length === 0 ? [] : [{ line: block.line, commands, answer }];
  });
}

/** The fenced blocks of a page in Markdown. */
export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  let open: { line: number; language: string; lines: string[] } | null = null;
  markdown.split('\n').forEach((text, index) => {
    const fence = /^```(\S*)/.exec(text);
    if (fence !== null && open === null) open = { line: index + 1, language: fence[1] ?? '', lines: [] };
    else if (fence !== null && open !== null) {
      blocks.push({ line: open.line, language: open.language, text: open.lines.join('\n') });
      open = null;
    } else open?.lines.push(text);
  });
  return blocks;
}

/** Commands of a block: a line that ends in a backslash, or within quotes or braces, goes on in the next one. */
function commandsOf(text: string): string[] {
  const commands: string[] = [];
  let current = '';
  for (const line of text.split('\n')) {
    current = current === '' ? line : `${current}\n${line}`;
    if (current.endsWith('\\') || isOpen(current)) continue;
    if (current.trim() !== '') commands.push(current);
    current = '';
  }
  if (current.trim() !== '') commands.push(current);
  return commands;
}

function isOpen(command: string): boolean {
  let quote = '';
  for (let i = 0; i < command.length; i += 1) {
    const c = command[i] ?? '';
    if (c === '\\' && quote !== "'") i += 1;
    else if (quote === '' && (c === "'" || c === '"')) quote = c;
    else if (c === quote) quote = '';
  }
  return quote !== '';
}

/** Texts that differ from run to run, by what they look like. */
const VOLATILE: readonly (readonly [RegExp, string])[] = [
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z'],
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '[0-9a-f-]{36}'],
  [/"(\w+_ms|request_id|receipt|id|cursor|ticket)":("[^"…]*"|[\d.]+)/g, '"$1":("[^"]*"|[\\d.]+)'],
  [/"memory_bytes":(null|\d+)/g, '"memory_bytes":(null|\\d+)'],
  [/^id: \S+$/gm, 'id: \\S+'],
  [/\b[\d.]+s\b/g, '[\\d.]+s'],
];

/**
 * Whether an output is what a page shows. White space does not count, `…` stands for anything, and so does the rest of texts that
 * differ from run to run: ids, times, durations.
 */
export function isAsShown(output: string, answer: string): boolean {
  return expressionOf(answer).test(output.replaceAll(/\s+/g, ''));
}

/** The output that a page shows, as an expression without white space. */
export function expressionOf(answer: string): RegExp {
  const parts: string[] = [];
  // A private character stands for each volatile text while the others are escaped.
  const marked = VOLATILE.reduce(
    (text, [pattern, expression]) =>
      text.replaceAll(pattern, (match) => {
        parts.push(match.replace(pattern, expression));
        return `\ue000${parts.length - 1}\ue001`;
      }),
    answer,
  );
  const escaped = marked.replaceAll(/\s+/g, '').replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const source = escaped
    .replaceAll('…', '[\\s\\S]*?')
    .replaceAll(/\ue000(\d+)\ue001/g, (_, index: string) =>
      (parts[Number(index)] ?? '').replaceAll(/\s+/g, ''),
    );
  return new RegExp(source);
}
