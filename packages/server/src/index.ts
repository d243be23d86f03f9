export * as Authenticator from "./Authenticator.ts"
export * from "./errors.ts"
