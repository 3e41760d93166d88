// Package contract holds what is sent to Atlassian, and what the simulators
// answer, against the descriptions of Atlassian's APIs.
//
// That of Jira is a part of Atlassian's own OpenAPI document, which is under
// the Apache License, Version 2.0 (jira.json says what was changed; the command
// cut makes it). Those of Confluence name no licence: confluence.yaml is
// written by hand, in words of our own, after what
// developer.atlassian.com/cloud/confluence/rest/v2/intro and /rest/v1/intro say
// of the four calls that are used.
//
// Where the real services are known to differ from what is described, jira.go
// and edge.go say so, and why.
package contract
