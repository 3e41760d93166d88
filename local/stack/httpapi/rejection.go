package httpapi

import (
	"log/slog"
	"net/http"

	"github.com/aws/aws-lambda-go/events"
)

// Authorizer identifies the sender of a request, or rejects it. A function knows its
// caller only from the authorizer: nothing that a client sends gets into that part
// of the event.
type Authorizer interface {
	Authorize(r *http.Request, body []byte) (*events.APIGatewayV2HTTPRequestContextAuthorizerDescription, *Rejection)
}

// Rejection is the answer to a request that is not let in.
type Rejection struct {
	Status    int    // 401 or 403
	Challenge string // of a 401, for WWW-Authenticate
	Reason    string // for the log; the service does not say it
}

func (f Rejection) write(w http.ResponseWriter, requestID string) {
	slog.Debug("request refused", "request", requestID, "reason", f.Reason)
	if f.Challenge != "" {
		w.Header().Set("WWW-Authenticate", f.Challenge)
	}
	message := "Forbidden"
	if f.Status == http.StatusUnauthorized {
		message = "Unauthorized"
	}
	writeMessage(w, f.Status, message)
}
