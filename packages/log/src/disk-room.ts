import { open, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';

/** How much disk to leave alone. */
export interface DiskRoomOptions {
  /** Appends are refused while less than this is free; default 64 MiB, or 1/16 of a smaller disk. */
  readonly reserveBytes?: number;
}

const CHECK_MS = 1000;
const MIB = 1024 * 1024;
const BALLAST_BYTES = 4 * MIB;

/**
 * Watches the disk that holds the log, so that appends stop before it is full and what frees space still works when
 * it is. LMDB needs new pages to delete old ones; on a disk that others filled to the last byte, trimming would be
 * impossible. So a ballast file takes 4 MiB in good times, and is given up when they are needed.
 */
export class DiskRoom {
  readonly #dir: string;
  readonly #dataFile: string;
  readonly #ballastFile: string;
  readonly #reserve: number;
  readonly #ballastBytes: number;
  #ballast = false;
  #checkedAt = 0;
  #checking: Promise<void> | undefined;
  #free = Infinity;
  #fileBytes = 0;

  private constructor(dir: string, dataFile: string, total: number, o: DiskRoomOptions) {
    this.#dir = dir;
    this.#dataFile = dataFile;
    this.#ballastFile = join(dir, 'weir.ballast');
    this.#reserve = o.reserveBytes ?? Math.min(64 * MIB, total / 16);
    this.#ballastBytes = Math.min(BALLAST_BYTES, total / 16);
  }

  static async open(dir: string, dataFile: string, o: DiskRoomOptions = {}): Promise<DiskRoom> {
    const disk = await statfs(dir);
    const room = new DiskRoom(dir, dataFile, disk.bsize * disk.blocks, o);
    await room.check();
    return room;
  }

  /**
   * Whether appends should be tried. On a short disk they still are while the data file, which never shrinks, has
   * plenty of freed pages inside: that is how appends come back after a trim.
   */
  hasRoom(liveBytes: number): boolean {
    if (Date.now() - this.#checkedAt > CHECK_MS) void this.check();
    return this.#free >= this.#reserve || this.#fileBytes > 1.5 * liveBytes + this.#ballastBytes;
  }

  /** Whether a failed write is explained by a full disk: LMDB reports the short write of a full disk as EIO. */
  async isFull(): Promise<boolean> {
    await this.check();
    return this.#free < Math.max(this.#reserve, MIB);
  }

  /** Gives up the ballast; false when it is gone already. */
  async dropBallast(): Promise<boolean> {
    if (!this.#ballast) return false;
    this.#ballast = false;
    await rm(this.#ballastFile, { force: true });
    return true;
  }

  /** Looks at the disk now; joins a look in progress. */
  check(): Promise<void> {
    this.#checking ??= this.#look().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  async #look(): Promise<void> {
    this.#checkedAt = Date.now();
    try {
      const [disk, data] = await Promise.all([statfs(this.#dir), stat(this.#dataFile)]);
      this.#free = disk.bsize * disk.bavail;
      this.#fileBytes = data.size;
      if (!this.#ballast && this.#free >= this.#reserve + this.#ballastBytes) await this.#fillBallast();
    } catch {
      // The disk cannot be asked: let a write find out.
      this.#free = Infinity;
    }
  }

  async #fillBallast(): Promise<void> {
    const file = await open(this.#ballastFile, 'w');
    try {
      await file.writeFile(Buffer.alloc(this.#ballastBytes));
      await file.sync();
      this.#ballast = true;
    } finally {
      await file.close();
    }
  }
}
