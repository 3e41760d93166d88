// Package creates holds the tests of creates that make one issue: the Jira
// connector, against the simulator of Jira and the real DynamoDB.
package creates
