/** The one function of `fs-native-extensions` used here; the package ships no types. */
declare module 'fs-native-extensions' {
  /** Takes an exclusive advisory lock of the whole file; returns false if another descriptor holds it. */
  export function tryLock(fd: number): boolean;
}
