// Package identity plays those who say who a caller is, an OpenID issuer and
// IAM, and checks their credentials as an HTTP API's authorizers do. All keys
// are made at the start and kept in memory: what they open is a simulator.
//
// Sources: the API Gateway developer guide's "Control access to HTTP APIs with
// JWT authorizers" and "Control access to HTTP APIs with IAM authorization",
// RFC 7515 and 7519, and the IAM user guide's "Create a signed AWS API
// request".
package identity
