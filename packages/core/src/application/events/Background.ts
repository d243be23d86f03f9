/**
 * For work that no caller waits for: reports of its failures, so that none is silent, and
 * long synchronous work in steps, so that it holds nobody up.
 */
export { reported, type Reported, type Texts } from "../../internal/reported.ts"
export { inSteps } from "../../internal/steps.ts"
