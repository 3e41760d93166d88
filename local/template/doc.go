// Package template reads as much of a SAM template as a machine needs to play
// it: functions with their environment, limits and routes, the HTTP API's
// access and throttling, and the tables. Parameters, conditions, mappings,
// Globals and the intrinsic functions are resolved as CloudFormation does;
// what only the cloud can know comes from the caller.
//
// Source: the AWS SAM specification and the CloudFormation user guide's
// "Intrinsic function reference".
package template
