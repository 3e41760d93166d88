// Package apicheck holds the API against its description, openapi.yaml: every
// answer that passes must be one that is described, and every request that the
// description calls wrong must be refused.
//
// It is stricter than a client of the API should be. Objects in answers may
// gain fields without harm to a client, but not without openapi.yaml's knowing.
package apicheck
