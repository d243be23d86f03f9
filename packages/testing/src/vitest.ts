export * from "./matchers/Matchers.ts"
