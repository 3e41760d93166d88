package jirasim

import (
	"bytes"
	"encoding/json"
	"net/http"
)

// answer is a response before it is sent.
type answer struct {
	status      int
	contentType string
	header      map[string]string // more headers
	body        []byte
}

func (a answer) send(w http.ResponseWriter) {
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	if a.contentType != "" {
		w.Header().Set("Content-Type", a.contentType)
	}
	w.WriteHeader(a.status)
	w.Write(a.body)
}

// cut breaks a successful answer off in the middle.
func (a answer) cut() answer {
	if a.status < 300 {
		a.body = a.body[:len(a.body)/2]
	}
	return a
}

func encode(status int, v any) answer {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic("jirasim: " + err.Error()) // all that is encoded is made here
	}
	return answer{status: status, contentType: "application/json;charset=UTF-8", body: body.Bytes()}
}

// errorCollection is the body of Jira's own errors.
type errorCollection struct {
	Messages []string          `json:"errorMessages"`
	Fields   map[string]string `json:"errors"`
}

func refuse(status int, messages ...string) answer {
	return encode(status, errorCollection{messages, map[string]string{}})
}

func refuseFields(fields map[string]string) answer {
	return encode(http.StatusBadRequest, errorCollection{[]string{}, fields})
}

// problem is the body of errors about routes and methods (RFC 7807).
func problem(status int, detail string) answer {
	a := encode(status, map[string]any{
		"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": detail,
	})
	a.contentType = "application/problem+json"
	return a
}

// gatewayError is the body of errors that do not come from Jira but from what
// is in front of it.
func gatewayError(status int, message string) answer {
	return encode(status, map[string]any{"code": status, "message": message})
}

// answer is what a Status or Down fault says instead of Jira.
func (f Fault) answer() answer {
	status, body := f.Status, f.Body
	if f.Kind == Down {
		status, body = http.StatusServiceUnavailable, BodyHTML
	}
	a := answer{status: status}
	switch body {
	case BodyEmpty:
	case BodyHTML:
		a.contentType = "text/html;charset=UTF-8"
		a.body = []byte("<!DOCTYPE html>\n<html><head><title>" + http.StatusText(status) +
			"</title></head><body><h1>" + http.StatusText(status) + "</h1></body></html>\n")
	default:
		a = refuse(status, "Simulated: "+http.StatusText(status))
	}
	a.header = map[string]string{}
	if f.RetryAfter != "" {
		a.header["Retry-After"] = f.RetryAfter
	}
	if f.RateLimitReason != "" {
		a.header["RateLimit-Reason"] = f.RateLimitReason
	}
	return a
}
