// Package secretsim stands in for AWS Secrets Manager: GetSecretValue in AWS
// JSON 1.1 as the SDK speaks it, with secrets that can be rotated and faults
// that can be set while it runs. A request must have a signature, which is not
// verified.
package secretsim
