package contract

import "github.com/getkin/kin-openapi/openapi3"

// isKnown reports whether any operation may answer the status, described or not.
// The descriptions list only some of an operation's errors, and no error of what
// stands in front of the service.
func isKnown(status int) bool {
	switch status {
	case 400, 413, 415: // what was sent is wrong
		return true
	case 401, 403, 404: // api.atlassian.com: no credentials, expired ones, an unknown cloud id
		return true
	case 429: // developer.atlassian.com/cloud/jira/platform/rate-limiting
		return true
	case 408, 500, 502, 503, 504: // an outage
		return true
	}
	return false
}

// edgeError is the JSON of errors from what is in front of the service.
func edgeError() *openapi3.Schema {
	return openapi3.NewObjectSchema().
		WithProperty("code", openapi3.NewIntegerSchema()).
		WithProperty("message", openapi3.NewStringSchema()).
		WithoutAdditionalProperties()
}
