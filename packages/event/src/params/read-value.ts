import { didYouMean } from '../near-names.js';
import { listedValues, type ParamDef } from './param-def.js';
import type { ParamArgument } from './params.js';

/** The parsed value, or all reasons why it is invalid. */
export type ReadValue =
  | { readonly ok: true; readonly value: ParamArgument }
  | { readonly ok: false; readonly reasons: readonly { readonly message: string; readonly hint: string }[] };

/** Parses the texts given for a param. Several texts for a single-value param are an error. */
export function readValue(def: ParamDef, texts: readonly string[]): ReadValue {
  if (def.type === 'multi') return readMulti(def, texts);
  const [text, ...more] = texts;
  if (text === undefined) throw new RangeError('readValue needs at least one text');
  if (more.length > 0) {
    return refuse(
      `Param \`${def.name}\` is given ${texts.length} times, but takes one value.`,
      `Give it once: -p ${def.name}=VALUE.`,
    );
  }
  return readOne(def, text);
}

function readOne(def: ParamDef, text: string): ReadValue {
  const not = `Param \`${def.name}\` is ${JSON.stringify(text)}, but must be`;
  switch (def.type) {
    case 'bool':
      if (text === 'true' || text === 'false') return { ok: true, value: text === 'true' };
      return refuse(`${not} true or false.`, `Give -p ${def.name}=true or -p ${def.name}=false.`);
    case 'int': {
      const value = Number(text);
      if (/^-?\d+$/.test(text) && Number.isSafeInteger(value)) {
        // -0 becomes 0, as in JSON and in the subscription id.
        return { ok: true, value: value === 0 ? 0 : value };
      }
      return refuse(`${not} a whole number.`, `Give digits only, at most 2^53: -p ${def.name}=10.`);
    }
    case 'enum':
    case 'multi': {
      const values = listedValues(def);
      if (values === undefined || values.some((v) => v.value === text)) return { ok: true, value: text };
      return refuse(`${not} one of its values.`, valuesHint(def.name, text, values));
    }
    default:
      return { ok: true, value: text };
  }
}

function valuesHint(name: string, text: string, values: readonly { value: string; desc: string }[]): string {
  const listed = values.map((v) => `${v.value} (${v.desc})`).join(', ');
  const near = didYouMean(
    text,
    values.map((v) => v.value),
  );
  return `${near === undefined ? '' : `${near} `}Values of \`${name}\`: ${listed}.`;
}

function readMulti(def: ParamDef, texts: readonly string[]): ReadValue {
  const items = texts.flatMap(splitAtCommas);
  const empty = items.includes('')
    ? [
        {
          message: `Param \`${def.name}\` has an empty value.`,
          hint: 'Remove the extra comma.',
        },
      ]
    : [];
  const reasons = items
    .filter((item) => item !== '')
    .flatMap((item) => {
      const read = readOne(def, item);
      return read.ok ? [] : read.reasons;
    });
  if (empty.length + reasons.length > 0) return { ok: false, reasons: [...empty, ...reasons] };
  return { ok: true, value: [...new Set(items)] };
}

// `\,` is a literal comma; a backslash before any other character is literal.
function splitAtCommas(text: string): string[] {
  return text.split(/(?<!\\),/).map((item) => item.replaceAll('\\,', ','));
}

const refuse = (message: string, hint: string): ReadValue => ({ ok: false, reasons: [{ message, hint }] });
