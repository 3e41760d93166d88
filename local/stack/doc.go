// Package stack runs the whole system on one machine: the real bootstraps as
// Lambda would run them, behind the HTTP API that template.yaml describes, on
// Amazon's DynamoDB Local behind a proxy that injects faults, with simulators
// of Jira and of Secrets Manager.
package stack
