export * as GraphQlWs from "./graphql/GraphQlWs.ts"
