package atlassiansim

import (
	"bytes"
	"encoding/json"
	"net/http"
)

// Answer is a response before it is sent.
type Answer struct {
	Status      int
	ContentType string
	Header      map[string]string // more headers
	Body        []byte
}

// With is the answer with one more header.
func (a Answer) With(name, value string) Answer {
	header := map[string]string{name: value}
	for n, v := range a.Header {
		header[n] = v
	}
	a.Header = header
	return a
}

func (a Answer) send(w http.ResponseWriter) {
	for name, value := range a.Header {
		w.Header().Set(name, value)
	}
	if a.ContentType != "" {
		w.Header().Set("Content-Type", a.ContentType)
	}
	w.WriteHeader(a.Status)
	w.Write(a.Body)
}

// cut breaks a successful answer off in the middle.
func (a Answer) cut() Answer {
	if a.Status < 300 {
		a.Body = a.Body[:len(a.Body)/2]
	}
	return a
}

// Encode is an answer in JSON. What it is given is made here, so that it always
// can be encoded.
func Encode(status int, v any) Answer {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic("atlassiansim: " + err.Error())
	}
	return Answer{Status: status, ContentType: "application/json;charset=UTF-8", Body: body.Bytes()}
}

// Problem is the form of errors about routes and methods (RFC 7807).
func Problem(status int, detail string) Answer {
	a := Encode(status, map[string]any{
		"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": detail,
	})
	a.ContentType = "application/problem+json"
	return a
}

// gatewayError is the form of errors that do not come from the product but from
// what is in front of it.
func gatewayError(status int, message string) Answer {
	return Encode(status, map[string]any{"code": status, "message": message})
}
