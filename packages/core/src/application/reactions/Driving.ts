/** Drives what otherwise works in the background, such as reactors, processes, deadlines and schedules: for test kits. */
export { Current, type Driver, type Failure, type Work } from "./consuming/driving.ts"
