export * as SerialOrder from "./models/SerialOrder.ts"
export * as Scenario from "./scenarios/Scenario.ts"
