export * as RateLimits from "./limits/RateLimits.ts"
