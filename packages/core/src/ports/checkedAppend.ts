import type { Append } from "./EventStore.ts"

/**
 * An append of the executor, which a store need not check: its events were
 * checked when they were made, the store itself has read its streams for this
 * command or one before, each is there once, and nobody else holds its lists. Only a command's key was not seen
 * by a store before, so an append with one is checked.
 */
export class CheckedAppend implements Append {
  readonly writes: Append["writes"]
  readonly conditions: Append["conditions"]
  constructor(writes: Append["writes"], conditions: Append["conditions"]) {
    this.writes = writes
    this.conditions = conditions
  }
}
