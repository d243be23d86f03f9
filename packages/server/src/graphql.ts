export * as GraphQl from "./graphql/GraphQl.ts"
