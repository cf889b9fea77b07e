export {
  copyTemplate,
  findTemplate,
  installedVersion,
  type MakeTemplateOptions,
  makeTemplate,
  type TemplateKind,
} from './template-directory.js';
