import type { Append } from "./EventStore.ts"

/**
 * An append of the executor that a store need not check. Its events were checked
 * when they were made; the store itself has read its streams, for these commands
 * or earlier ones; each stream is there once among the conditions and once in a
 * part; and no other code holds its lists. A command's key is new to the store,
 * so an append with a key is checked.
 */
export class CheckedAppend implements Append {
  readonly conditions: Append["conditions"]
  readonly parts: Append["parts"]
  readonly history?: number
  constructor(conditions: Append["conditions"], parts: Append["parts"], history: number | undefined) {
    this.conditions = conditions
    this.parts = parts
    if (history !== undefined) this.history = history
  }
}
