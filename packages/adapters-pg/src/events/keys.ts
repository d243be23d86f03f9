import { StoreKey } from "@hexfold/core/adapter"

/** The key by which a stream is found. */
export const keyOf = StoreKey.of

/** The key by which a command is found. */
export const commandKeyOf = StoreKey.ofCommand
