export * as Tokens from "./auth/Tokens.ts"
