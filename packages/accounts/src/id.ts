const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether `text` has the form of an id. Other text is "not found", never a database error. */
export function isId(text: string): boolean {
  return UUID.test(text);
}
