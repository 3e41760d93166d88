// Package stack runs the whole system on one machine: the real bootstraps as
// Lambda would run them, behind the HTTP API that template.yaml describes, its
// authorizers included, on Amazon's DynamoDB Local and on mongo-java-server, both
// behind proxies that inject faults, with simulators of Jira, of Confluence and
// of Secrets Manager.
package stack
