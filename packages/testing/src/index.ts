export * as History from "./History.ts"
export * as Scenario from "./Scenario.ts"
export * as ViewScenario from "./ViewScenario.ts"
