package httpapi

import (
	"log/slog"
	"net/http"

	"github.com/aws/aws-lambda-go/events"
)

// Authorizer says who sent a request, or refuses it. What it says is the only
// way by which a function learns of a caller: nothing that a client sends gets
// into that part of the event.
type Authorizer interface {
	Authorize(r *http.Request, body []byte) (*events.APIGatewayV2HTTPRequestContextAuthorizerDescription, *Refusal)
}

// Refusal is the answer to who may not come in.
type Refusal struct {
	Status    int    // 401 or 403
	Challenge string // of a 401, for WWW-Authenticate
	Reason    string // for the log; the service does not say it
}

func (f Refusal) write(w http.ResponseWriter, requestID string) {
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
