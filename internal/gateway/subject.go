package gateway

import (
	"context"
	"net/http"

	"github.com/aws/aws-lambda-go/events"
)

// Subject returns the caller that an authorizer of API Gateway verified: the sub
// claim of a JWT, or the unique id of an IAM principal (of an assumed role with
// its session's name, which distinguishes people who share the role; unlike an
// ARN, it is never given to another principal). It is false where no authorizer
// ran and WithLocalSubject does not stand in. Nothing that a client can write is
// looked at.
func Subject(ctx context.Context) (string, bool) {
	if rc, ok := RequestContext(ctx); ok && rc.Authorizer != nil {
		subject := verified(*rc.Authorizer)
		return subject, subject != ""
	}
	subject, ok := ctx.Value(localSubjectKey{}).(string)
	return subject, ok
}

func verified(a events.APIGatewayV2HTTPRequestContextAuthorizerDescription) string {
	switch {
	case a.JWT != nil:
		return a.JWT.Claims["sub"]
	case a.IAM != nil:
		return a.IAM.UserID
	default:
		return ""
	}
}

type localSubjectKey struct{}

// WithLocalSubject serves h as if each caller that no authorizer verified were
// subject, and h itself if that is empty. It is for a stage without authorizers.
func WithLocalSubject(h http.Handler, subject string) http.Handler {
	if subject == "" {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), localSubjectKey{}, subject)))
	})
}

// NoSubject is the 401 problem of a request whose caller is not known.
func NoSubject() Problem {
	return Problem{
		Type: "unauthenticated", Title: "Unauthenticated", Status: http.StatusUnauthorized, Retryable: new(false),
		Detail: "the caller is not known: this needs an authorizer in front of the function",
	}
}
