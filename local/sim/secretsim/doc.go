// Package secretsim stands in for AWS Secrets Manager: GetSecretValue in AWS
// JSON 1.1 as the SDK speaks it, with secrets that can be rotated and faults
// that can be switched while it runs. Signatures must be there but are not
// checked.
//
// Below /_sim/, which no fault touches, it is controlled over HTTP:
//
//	PUT    /_sim/secrets/{name}   the body is the secret's new value
//	PUT    /_sim/faults/{fault}   refuse or error, until healed
//	DELETE /_sim/faults           heals
//	GET    /_sim/reads            number of GetSecretValue requests, failed ones included
package secretsim
