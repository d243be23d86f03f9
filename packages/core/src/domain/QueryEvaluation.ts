/**
 * What a query means, for stores that answer queries: {@link run} is the
 * definition, and every store gives the same answer. Applications make queries
 * with `Query` and do not need this module.
 */
export { caseTable } from "./query/caseFolding.ts"
export { cursorOf, decodeCursor } from "./query/cursor.ts"
export { averageOf, decimalOf, sumOf } from "./query/decimal.ts"
export {
  comparePlaces,
  completed,
  compareTexts,
  matches,
  type Place,
  placeOf,
  readAs,
  sortable,
  type SortValue
} from "./query/evaluation.ts"
export { runGroups } from "./query/groups.ts"
export { prepared } from "./query/prepare.ts"
export { run, runCount, selected } from "./query/run.ts"
