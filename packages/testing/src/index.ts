export * as History from "./History.ts"
export * as Scenario from "./Scenario.ts"
