import { readFile } from 'node:fs/promises';
import { rotatedFiles } from '../rotated-files.js';

/** The ids of the records in a usage file and its rotated ones, oldest first. Throws if a line is torn. */
export async function idsInFiles(path: string): Promise<string[]> {
  const paths = [...(await rotatedFiles(path)).map((file) => file.path), path];
  const texts = await Promise.all(paths.map((one) => readFile(one, 'utf8')));
  return texts.flatMap((text) => {
    if (text !== '' && !text.endsWith('\n')) throw new Error('a usage file ends with a torn line');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const { id } = JSON.parse(line) as { readonly id: string };
        return id;
      });
  });
}
