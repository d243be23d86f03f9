export * as Remote from "./Remote.ts"
export * from "./errors.ts"
