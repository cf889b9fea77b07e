/** The modules of this package that need Node: `@weir/base/node`. The index of the package works in a browser too. */

export { makeDirectory } from './files/make-directory.js';
export { unsafeDirectory } from './files/own-directory.js';
export { readPrivateFile, writePrivateFile } from './files/private-file.js';
export { periodically } from './periodic.js';
export { type ReadAheadOptions, readAhead, type SpoolSpace } from './spool/read-ahead.js';
export {
  copyTemplate,
  findTemplate,
  installedVersion,
  type MakeTemplateOptions,
  makeTemplate,
  type TemplateKind,
} from './template-directory.js';
