/** The parts of the example, for programs that run it in another way. */
export { CheckOutTogether } from "./CheckOutTogether.ts"
export { BeginCheckOut, Group } from "./Group.ts"
export { groupCheckOut } from "./GroupCheckOut.ts"
export { Charge, CheckIn, Pay, Stay } from "./Stay.ts"
