/** The parts of the example, for programs that run it in another way. */
export * from "./CheckOutTogether.ts"
export * from "./Group.ts"
export * from "./GroupCheckOut.ts"
export * from "./Stay.ts"
