/** The APIs of the examples. */
// oxlint-disable-next-line no-restricted-imports -- an example is a program, and has no entry for its API
export { api as hotel } from "../../../../../examples/hotel/src/api.ts"
// oxlint-disable-next-line no-restricted-imports -- an example is a program, and has no entry for its API
export { api as travelExpenses } from "../../../../../examples/travel-expenses/src/api.ts"
