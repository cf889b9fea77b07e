const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether `text` can be the id of anything here. What cannot is "not found", never an error of the database. */
export function isId(text: string): boolean {
  return UUID.test(text);
}
