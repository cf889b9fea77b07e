import type { FirstProject } from '@weir/server';

/** Text of the first start, shown once and only on a terminal. */
export function firstStartMessage({ url, project, token, key }: FirstProject, version: string): string {
  return `
Weir ${version} is ready. This is shown once:

  URL           ${url}
  Project       ${project}
  Ingest token  ${token}   (write only: may be in a web page)
  API key       ${key}   (secret)

Try, in another terminal here:

  weir send signup --user u1 --prop plan=pro
  weir query "SELECT event, user_id, timestamp FROM events"
  weir demo
`;
}
