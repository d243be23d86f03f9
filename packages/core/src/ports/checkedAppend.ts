import type { Append } from "./EventStore.ts"

/**
 * An append of the executor that a store need not check. Its events were checked
 * when they were made; the store itself has read its streams, for this command
 * or an earlier one; each stream is there once; and no other code holds its
 * lists. A command's key is new to the store, so an append with a key is checked.
 */
export class CheckedAppend implements Append {
  readonly writes: Append["writes"]
  readonly conditions: Append["conditions"]
  constructor(writes: Append["writes"], conditions: Append["conditions"]) {
    this.writes = writes
    this.conditions = conditions
  }
}
