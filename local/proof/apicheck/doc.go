// Package apicheck compares the API with its description, openapi.yaml: every
// answer that passes must be described, and every request that the description
// calls invalid must get a 4xx.
//
// It is stricter than a client of the API should be. Objects in answers may
// gain fields without harm to a client, but not without openapi.yaml's knowing.
package apicheck
