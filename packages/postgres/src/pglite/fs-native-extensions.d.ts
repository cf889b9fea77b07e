/** The part of `fs-native-extensions` used here; the package ships no types. */
declare module 'fs-native-extensions' {
  /** Takes an exclusive lock of the whole file, held until the descriptor closes; false if another process holds it. */
  export function tryLock(fd: number): boolean;
}
