/** An item with a deadline. */
export interface Due {
  readonly offset: number;
  readonly deadline: number;
}

/** A binary heap of deadlines, the earliest on top; for equal deadlines the lower offset. */
export class DeadlineHeap<T extends Due> {
  #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const items = this.#items;
    let i = items.length;
    while (i > 0) {
      const up = (i - 1) >> 1;
      const parent = items[up];
      if (parent === undefined || !before(item, parent)) break;
      items[i] = parent;
      i = up;
    }
    items[i] = item;
  }

  pop(): T | undefined {
    const items = this.#items;
    const top = items[0];
    const item = items.pop();
    if (item === undefined || items.length === 0) return top;
    let i = 0;
    for (;;) {
      let down = 2 * i + 1;
      let child = items[down];
      const right = items[down + 1];
      if (child !== undefined && right !== undefined && before(right, child)) {
        child = right;
        down += 1;
      }
      if (child === undefined || !before(child, item)) break;
      items[i] = child;
      i = down;
    }
    items[i] = item;
    return top;
  }

  clear(): void {
    this.#items = [];
  }
}

function before(a: Due, b: Due): boolean {
  return a.deadline < b.deadline || (a.deadline === b.deadline && a.offset < b.offset);
}
