export * as Scenario from "./Scenario.ts"
