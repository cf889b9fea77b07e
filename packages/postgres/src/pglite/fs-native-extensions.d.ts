/** The part of `fs-native-extensions` used here; the package ships no types. */
declare module 'fs-native-extensions' {
  /** Takes an exclusive lock of the whole file, held until the descriptor closes; false where another holds it. */
  export function tryLock(fd: number): boolean;
}
