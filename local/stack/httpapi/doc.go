// Package httpapi plays an API Gateway HTTP API on one machine: it chooses
// the route as the service does, makes an event of payload format 2.0,
// invokes the function and turns its answer into HTTP again, with the
// service's own answers for what goes wrong on the way:
//
//	no route                        404 {"message":"Not Found"}
//	refused by a JWT authorizer     401 {"message":"Unauthorized"}
//	refused by IAM                  403 {"message":"Forbidden"}
//	body over 10 MB                 413 {"message":"Request Entity Too Large"}
//	rate or burst exceeded          429 {"message":"Too Many Requests"}
//	function error, malformed answer 500 {"message":"Internal Server Error"}
//	throttled, or no answer in 30 s 503 {"message":"Service Unavailable"}
//
// Sources: the API Gateway developer guide's pages "Routes for HTTP APIs",
// "Lambda proxy integrations" and "Quotas for HTTP APIs".
package httpapi
