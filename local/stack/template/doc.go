// Package template reads as much of a SAM template as a machine needs to play
// it: functions with their environment and limits, the HTTP API's routes with
// their access and throttling, and the tables. Parameters, rules, conditions,
// mappings, Globals and the intrinsic functions are resolved as CloudFormation
// does; what only the cloud can know comes from the caller or is made up.
//
// Source: the AWS SAM specification and the CloudFormation user guide's
// "Intrinsic function reference".
package template
