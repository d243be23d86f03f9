/** What a process is when it runs, as an aggregate: for test kits. */
export { type Input, type Machine, of } from "./processes/machine.ts"
export { timeOf } from "../../domain/process/times.ts"
export { codecOf, type TargetCodec } from "./processes/targets.ts"
